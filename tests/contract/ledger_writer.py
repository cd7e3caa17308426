"""A process that stores calls: ``python ledger_writer.py CAR COUNT``. Says ``stored N`` after each."""

import sys

from pitcall.adapters.ledger import SqliteLedger
from pitcall.ledger import Call

if __name__ == "__main__":
    car, count = sys.argv[1], int(sys.argv[2])
    ledger = SqliteLedger()
    for lap in range(count):
        ledger.record(Call("r", car, lap, 0.0, "m@1", 1, None, None, (0.25,) * 4, 64))
        sys.stdout.write(f"stored {lap + 1}\n")
        sys.stdout.flush()
