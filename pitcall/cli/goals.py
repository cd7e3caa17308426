"""What a call is worth, in words for a terminal: the unit of its goal, and what would change it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

_EVENTS: Final = {"safety_car": "safety car now", "vsc": "VSC now", "rain": "rain now"}
_PARAMETERS: Final = {"pit_loss_s": "pit loss", "wear": "tyre wear", "caution_rate": "safety cars"}


def column(utility: Json) -> str:
    """The head of the column that a goal is about."""
    return {
        "points": "points",
        "win": "P(win)",
        "target": f"P(top {utility['target']})",
        "cvar": f"worst {100 * utility['tail']:.0f} %",
    }.get(str(utility["goal"]), "mean position")


def value(option: Json, utility: Json) -> str:
    """An option in the unit of the goal."""
    if utility["goal"] in ("win", "target"):
        return f"{100 * option['utility']:.1f} %"
    return f"{option['utility']:.2f}"


def loss(option: Json, utility: Json) -> str:
    """What an option loses against the best, with its standard error, in the unit of the goal."""
    return difference(option["delta"], option["standard_error"], utility)


def difference(delta: float, error: float, utility: Json) -> str:
    """A difference with its standard error, in the unit of the goal."""
    if utility["goal"] in ("win", "target"):
        return f"{100 * delta:.1f} ± {100 * error:.1f} %"
    return f"{delta:.2f} ± {error:.2f}"


def call(lap: int | None, compound: str | None) -> str:
    """An option in words: ``box lap 23, hard`` or ``stay out``. Short, so that a table of them fits 80 columns."""
    return "stay out" if lap is None else f"box lap {lap}, {'inter' if compound == 'intermediate' else compound}"


def if_then(decision: Json) -> Iterator[tuple[str, str, str]]:
    """What would change the call: if, then, and what that is worth or how sure it is."""
    for each in decision["contingencies"]:
        event = _EVENTS.get(each["event"]) or f"{each['rival'] or 'the car behind'} boxes now"
        if each["changes"]:
            worth = f"better by {difference(each['delta'], each['standard_error'], decision['utility'])}"
            yield event, call(each["lap"], each["compound"]), worth
        else:
            yield event, "the call stands", ""
    for each in decision["break_evens"]:
        yield _break_even(each, decision["options"])


def _break_even(each: Json, options: list[Json]) -> tuple[str, str, str]:
    name, unit = _PARAMETERS[each["parameter"]], each["parameter"]
    if each["value"] is None:
        return f"{name} {_tried(each)}", "the call stands", f"now {_amount(each['now'], unit)}"
    other = options[each["other"]]
    side = "above" if each["value"] > each["now"] else "below"
    then = call(other["lap"], other["compound"])
    told = f"now {_amount(each['now'], unit)}; 95 %: {_interval(each)}"
    return f"{name} {side} {_amount(each['value'], unit)}", then, told


def _interval(each: Json) -> str:
    """An interval that is open where it leaves the range that was tried."""
    low, high, unit = each["low"], each["high"], each["parameter"]
    if low is None and high is None:
        return f"anything from {_tried(each)}"
    if low is None:
        return f"up to {_amount(high, unit)}"
    return f"{_amount(low, unit)} {'or more' if high is None else f'to {_amount(high, unit)}'}"


def _tried(each: Json) -> str:
    return f"{_amount(each['tried_low'], each['parameter'])} to {_amount(each['tried_high'], each['parameter'])}"


def _amount(value: float, unit: str) -> str:
    return f"{value:.1f} s" if unit == "pit_loss_s" else f"{value:.2f} x"
