"""The words that the rules planner knows. Data, no code."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _meant(text: str) -> dict[str, str]:
    """``typed, typed = meant`` on each line."""
    pairs = (line.split(" = ") for line in text.strip().splitlines())
    return {typed.strip(): meant for left, meant in pairs for typed in left.split(",")}


#: Words that carry meaning: a misspelled word becomes the nearest of these.
MEANING: Final = _words("""
    accident ahead behind best between box call chance chances close compound crash danger early emerge end expect
    explain extend favourite finish first flag fresh front gap hard hards how if inter intermediate intermediates
    inters interval jump lap laps last later lead leader leading leads long many me medium mediums next now odds order
    outcome outside overcut pit place podium point points position positions predict probability puncture rain reason
    rejoin result safety second seconds should slicks soft softs standings stay stint stop stops strategy suppose
    threat threatened top track traffic tyre tyres under undercut vulnerable wait wet wets what when where which who
    why win window winner winning wins worn
""")

#: Words that carry none here, or only when they are spelled out: neither names nor typing mistakes.
COMMON: Final = _words("""
    a about above across actually after afterwards again against all almost alone along already also although always am
    an and another any anybody anyone anything are around as ask assume assuming at averse avoid away back bad be
    because become been before begin begins being below better both bottom bring but by can cannot car case catch cause
    circuit clean clear come comes coming compare compared conservative consider considering cost could cover covers
    current currently day deal decide decision definitely deg degradation delay deployed did difference directly dnf do
    does doing done down drive driver drop dropping drs due during each earlier easy either else ending enough estimate
    even ever every everybody everyone exactly expected f1 fall far fast faster few field final finally finishes
    finishing flat follow following for form four friday from full further gain gained get gets getting give given go
    goes going gone gonna good got gp grand great grid ground group guess guys had half happen happens harder hardest
    has have having he hello help her here hey hi high him his hit hold hope hour i idea immediately in inside instead
    into is isn it its just keep kind know land lane late latest lately least leave less let like likely line little
    lock look looking lose loses losing lost lot love low made make makes making mate maximum maybe mean means might
    min minute minutes mode moment monday more most move much must my myself need needed needs never new nice no nobody
    none normal normally not nothing number of off offset often oh ok okay old on once one only onto open opponent
    option options or other others our ourselves out over overall overtake own pace pass pay per percent percentage
    perform performance perhaps period person pick plan plans play please possible possibly prefer pretty prix probably
    problem push put question quick quicker quickly race races racing radio rather ready really red remain remaining
    remains rest return right risk risky rival rivals road room round run running safe safely safest said same saturday
    save say says score see seem seems self sense series session set sets several she short show since sit situation
    slick slot slow slower so softer softest some somebody someone something soon sort spot start started starts
    staying still straight strategies strong stronger such sunday sure switch take takes taken taking talk team tell
    than thank thanks that the their them then there these they thing things think third this those though thought
    three through thursday time times to today together told tomorrow tonight too total towards tuesday turn two until
    up upon us use used using usual vehicle verdict versus very via virtual vs want was wave way we wednesday well went
    were while whole whose will wish with within without wonder work works worse worst worth would wrong yeah yellow
    yes yet you your zero
""")

#: What is typed so often, or so differently, that the nearest word would be another.
ALIASES: Final = _meant("""
    wen, whn, wehn = when
    wat, wot, wht = what
    y = why
    whats = what is
    wheres = where is
    whos = who is
    hows = how is
    whens = when is
    shud, shuld, shld, shoud = should
    im = i am
    ill = i will
    id = i would
    ive = i have
    u = you
    r = are
    tire = tyre
    tires, tyers, rubber, boots = tyres
    compounds = compound
    boxed, boxing, boxes = box
    pits, pitting, pitted = pit
    pitstop = pit stop
    pitlane = pit lane
    stopping, stopped = stop
    undercuts, undercutting, undercutted = undercut
    overcuts, overcutting = overcut
    jumps, jumped = jump
    threatens, threats, threatening = threat
    sc, safetycar, safteycar = safety car
    vsc, fcy = virtual safety car
    leeds = leads
    led = lead
    ahed = ahead
    rejoins, rejoining = rejoin
    emerges = emerge
    waiting, waits = wait
    extending = extend
    probabilities = probability
    favorite = favourite
    forecast, prediction = predict
    finished = finish
    places = positions
    raining, rains, shower, showers = rain
    standing, classification = standings
    pls, plz = please
    rn = right now
    nxt = next
    explanation = explain
    reasons, reasoning = reason
    secs = seconds
    won = win
    crashes, crashed = crash
""")

NUMBERS: Final = {
    name: str(value)
    for name, value in zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "  # noqa: SIM905  # a sentence is easier to check than a list
        "seventeen eighteen nineteen twenty thirty forty fifty".split(),
        (*range(21), 30, 40, 50),
        strict=True,
    )
}

#: After these words a name is that of a circuit.
PLACES: Final = _words("in at the around this")
#: Next to these words stands who is asked about; an unknown word there is an unknown car.
ASKED_OF: Final = _words("should will does can could would did undercut jump beat versus vs pass catch cover")
#: A number may be that of a car after the first of these and not before the second.
BEFORE_NUMBER: Final = ASKED_OF | _words("car number no to of from than behind ahead is has for at and or with")
AFTER_NUMBER: Final = _words("lap laps more second seconds position positions minutes percent stops")
