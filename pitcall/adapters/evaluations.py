"""The log of a search as a file: one line of JSON per evaluation, so that a search that was killed goes on."""

import json
from pathlib import Path
from typing import Final

from pitcall.errors import InvalidRequest
from pitcall.tune.search import AXES, Evaluation, Point

FORMAT: Final = 1


class EvaluationLog:
    """Evaluations of one search, in the order in which they were made. The first line says of what."""

    def __init__(self, file: Path, fingerprint: str) -> None:
        """Open or begin a log.

        Args:
            file: is made if it is not there.
            fingerprint: of the objective.

        Raises:
            InvalidRequest: the file is the log of another search, no log at all, or cannot be read or written.
        """
        self._file = file
        self._scores: dict[tuple[int, Point], float] = {}
        head = {"format": FORMAT, "objective": fingerprint, "axes": [list(axis) for axis in AXES]}
        try:
            text = file.read_text("utf-8") if file.exists() else ""
            if not text:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(head) + "\n", "utf-8")
                return
            whole = text[: text.rfind("\n") + 1]  # whoever was killed while it wrote left half a line
            self._read(whole.splitlines(), head)
            if whole != text:
                file.write_text(whole, "utf-8")
        except OSError as exc:
            raise InvalidRequest(f"cannot use {file}: {exc.strerror or exc}; name another file") from exc

    def _read(self, lines: list[str], head: dict[str, object]) -> None:
        try:
            if json.loads(lines[0] if lines else "") != head:
                raise InvalidRequest(
                    f"{self._file} is the log of a search on other races or another model; name another"
                )
            for line in lines[1:]:
                fold, point, score = json.loads(line)
                self._scores[int(fold), tuple(map(float, point))] = float(score)
        except (ValueError, TypeError) as exc:
            raise InvalidRequest(f"{self._file} is no log of a search; name another file") from exc

    def __len__(self) -> int:
        return len(self._scores)

    def get(self, fold: int, point: Point) -> float | None:
        """The score; None: not evaluated yet."""
        return self._scores.get((fold, point))

    def add(self, evaluation: Evaluation) -> None:
        """Keep one. Raises InvalidRequest: the file cannot be written."""
        self._scores[evaluation.fold, evaluation.point] = evaluation.score
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(list(evaluation)) + "\n")
        except OSError as exc:
            raise InvalidRequest(f"cannot write {self._file}: {exc.strerror or exc}; name another file") from exc
