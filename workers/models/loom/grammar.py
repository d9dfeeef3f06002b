"""The stochastic grammar whose texts Loom learns: short prompts, long answers.

An answer has a small world behind it (people with a trade, a home and so many things, two years, one season), and its
sentences keep to that world: what was said once is said the same way again. Everything is drawn from one `random.Random`,
so a seed gives one text.
"""
import math
import random

# Each topic: its nouns as singular and plural. The first names the topic.
TOPICS = [[tuple(noun.split("/")) for noun in line.split()] for line in (
    "river/rivers bridge/bridges bank/banks fish/fishes stone/stones mill/mills ferry/ferries island/islands flood/floods reed/reeds",
    "harbour/harbours boat/boats sail/sails net/nets rope/ropes anchor/anchors lamp/lamps crane/cranes sailor/sailors gull/gulls",
    "forest/forests tree/trees branch/branches leaf/leaves owl/owls path/paths deer/deer root/roots fox/foxes hut/huts",
    "market/markets stall/stalls basket/baskets coin/coins scale/scales cart/carts merchant/merchants apple/apples cloth/cloths price/prices",
    "mountain/mountains peak/peaks goat/goats cave/caves rock/rocks valley/valleys shepherd/shepherds trail/trails eagle/eagles camp/camps",
    "garden/gardens flower/flowers rose/roses seed/seeds wall/walls bench/benches bee/bees hedge/hedges pear/pears spade/spades",
    "road/roads wheel/wheels horse/horses inn/inns traveller/travellers gate/gates wagon/wagons crossing/crossings lantern/lanterns guest/guests",
    "school/schools lesson/lessons book/books teacher/teachers child/children desk/desks pen/pens map/maps window/windows bell/bells",
    "kitchen/kitchens pot/pots loaf/loaves oven/ovens spoon/spoons cook/cooks table/tables knife/knives onion/onions plate/plates",
    "loom/looms thread/threads ribbon/ribbons weaver/weavers coat/coats pattern/patterns spindle/spindles blanket/blankets needle/needles knot/knots",
    "clock/clocks tower/towers gear/gears hour/hours smith/smiths hammer/hammers chain/chains bolt/bolts engine/engines key/keys",
    "song/songs drum/drums flute/flutes singer/singers string/strings dance/dances voice/voices choir/choirs feast/feasts hall/halls",
)]
COMMON = [tuple(noun.split("/")) for noun in (
    "day/days house/houses town/towns friend/friends story/stories field/fields door/doors letter/letters storm/storms dog/dogs "
    "neighbour/neighbours street/streets").split()]
TRADES = "sailor merchant shepherd teacher cook weaver smith singer baker miller painter doctor farmer".split()
WOMEN = "Mira Ada Lena Ruth Nora Ines Vera Olga".split()
MEN = "Tomas Karl Hugo Emil Otto Paul Ivan Jonas".split()
PLACES = "Marlen Dorfeld Ostrava Kestrel Lindow Tarn Wexley Halden Brisk Orsay Fenmoor Calder".split()
YEARS = "1790 1804 1815 1827 1839 1846 1858 1871".split()
SEASONS = "spring summer autumn winter".split()
MOST_THINGS = 12

# Base, third person, past.
TRANSITIVE = [tuple(verb.split("/")) for verb in (
    "carry/carries/carried mend/mends/mended build/builds/built count/counts/counted paint/paints/painted find/finds/found "
    "lose/loses/lost keep/keeps/kept sell/sells/sold buy/buys/bought move/moves/moved clean/cleans/cleaned watch/watches/watched "
    "follow/follows/followed cover/covers/covered open/opens/opened draw/draws/drew measure/measures/measured "
    "hold/holds/held break/breaks/broke bring/brings/brought need/needs/needed guard/guards/guarded love/loves/loved "
    "fear/fears/feared hide/hides/hid share/shares/shared lift/lifts/lifted praise/praises/praised").split()]
INTRANSITIVE = [tuple(verb.split("/")) for verb in (
    "wait/waits/waited rest/rests/rested grow/grows/grew change/changes/changed sleep/sleeps/slept turn/turns/turned shine/shines/shone "
    "fall/falls/fell rise/rises/rose work/works/worked return/returns/returned stay/stays/stayed").split()]
ADJECTIVES = (
    "old new small large quiet loud grey red blue green white black heavy light long short cold warm dry wet clean broken strange plain "
    "rich poor slow quick narrow wide deep bright dark empty full round soft hard sweet bitter proud humble lonely busy early rare famous "
    "hidden").split()
# Before a verb and after "is"; after a verb.
OFTENNESS = "often always never rarely still soon".split()
MANNER = "slowly gladly softly early late again together alone".split()
NEARNESS = "near under behind beyond beside above around inside".split()
ORDER = "First Second Third Then Next Later Finally".split()

PLAIN, REPORT, STORY, LETTER = "plain", "report", "story", "letter"
# What the topic's word is put into: how it reads, whether the answer is short.
PROMPTS = {
    PLAIN: [("tell me about {P}", 0), ("what do you know about {P}", 0), ("describe the {S}", 0), ("describe {P}", 0),
            ("why do {P} matter", 0), ("tell me about the {P} of {place}", 0), ("write a short note on {P}", 1),
            ("say something short about {P}", 1), ("tell me about {name} and the {S}", 0)],
    REPORT: [("write a report on {P}", 0), ("write a long report on {P}", 0), ("write a report on the {P} of {place}", 0),
             ("report on {P}", 0), ("write a short report on {P}", 1)],
    STORY: [("tell me a story about {P}", 0), ("write a story about the {S}", 0), ("tell me a story about {name} and the {S}", 0),
            ("tell me a long story about {P}", 0), ("tell me a short story about {P}", 1)],
    LETTER: [("write a letter about {P}", 0), ("write a letter to {name} about {P}", 0), ("write to {name} about the {S}", 0),
             ("write a letter from {place} about {P}", 0), ("write a short letter about {P}", 1)],
}
FORMS = [PLAIN, PLAIN, REPORT, STORY, LETTER]


def preferred(table, key, count):
    """A fixed part of a table that belongs to one topic."""
    return random.Random(f"loom {key}").sample(table, count)


FLAVOURS = [{"verbs": preferred(TRANSITIVE, f"verbs {topic[0][0]}", 10), "adjectives": preferred(ADJECTIVES, f"adjectives {topic[0][0]}", 14)}
            for topic in TOPICS]


class Person:
    def __init__(self, draw, world, name):
        self.name, self.woman = name, name in WOMEN
        self.trade, self.home = draw.pick(TRADES), draw.pick(world.places)
        self.thing, self.count = draw.pick(world.nouns), 2 + draw.below(MOST_THINGS - 1)
        self.year = draw.pick(world.years)

    @property
    def pronoun(self):
        return "she" if self.woman else "he"


class Draw:
    """Draws, and counts the bits that they are worth."""

    def __init__(self, seed):
        self.random, self.bits = random.Random(seed), 0.0

    def below(self, count):
        self.bits += math.log2(count)
        return self.random.randrange(count)

    def pick(self, table):
        return table[self.below(len(table))]

    def chance(self, share):
        hit = self.random.random() < share
        self.bits -= math.log2(share if hit else 1 - share)
        return hit

    def weighted(self, pairs):
        total = sum(weight for _, weight in pairs)
        at = self.random.random() * total
        for value, weight in pairs:
            at -= weight
            if at < 0:
                break
        self.bits -= math.log2(weight / total)
        return value


class World:
    def __init__(self, draw, topic, form, name, place):
        self.topic, self.form, self.nouns = topic, form, TOPICS[topic]
        self.places = [place] if place else []
        while len(self.places) < 3:
            other = draw.pick(PLACES)
            if other not in self.places:
                self.places.append(other)
        self.years, self.season = [draw.pick(YEARS), draw.pick(YEARS)], draw.pick(SEASONS)
        self.people = []
        names = [name] if name else []
        while len(names) < 3:
            other = draw.pick(WOMEN + MEN)
            if other not in names:
                names.append(other)
        self.people = [Person(draw, self, each) for each in names]


class Writer:
    """Writes the sentences of one answer. A sentence is a list of words; punctuation marks are words of their own."""

    def __init__(self, draw, world):
        self.draw, self.world = draw, world
        self.past = world.form == STORY or (world.form == REPORT and draw.chance(0.5))
        self.person = world.people[0]
        self.told = set()
        self.focus = world.nouns[0]
        self.step = 0

    # ---- words ------------------------------------------------------------------------------

    def verb(self, verb, plural):
        return verb[2] if self.past else verb[0] if plural else verb[1]

    def be(self, plural):
        if self.past:
            return "were" if plural else "was"
        return "are" if plural else "is"

    def have(self, plural):
        return "had" if self.past else "have" if plural else "has"

    def noun(self):
        if self.draw.chance(0.2):
            return self.draw.pick(COMMON)
        return self.draw.pick(self.world.nouns)

    def adjective(self):
        if self.draw.chance(0.6):
            return self.draw.pick(FLAVOURS[self.world.topic]["adjectives"])
        return self.draw.pick(ADJECTIVES)

    def transitive(self):
        if self.draw.chance(0.6):
            return self.draw.pick(FLAVOURS[self.world.topic]["verbs"])
        return self.draw.pick(TRANSITIVE)

    def place(self):
        return self.draw.pick(self.world.places)

    def two_adjectives(self):
        first = self.adjective()
        second = self.adjective()
        while second == first:
            second = self.adjective()
        return first, second

    def article(self, words):
        return ["an" if words[0][0] in "aeiou" and words[0] != "one" else "a"] + words

    def phrase(self, noun=None, after=True):
        """A noun phrase and whether it is plural; what it names becomes the focus."""
        draw = self.draw
        noun = noun or self.noun()
        plural = draw.chance(0.45)
        words = [self.adjective()] if draw.chance(0.5) else []
        if words and draw.chance(0.12):
            words = list(self.two_adjectives())
        words = words + [noun[1] if plural else noun[0]]
        if plural:
            start = draw.weighted([("the", 6), ("many", 2), ("some", 2), ("few", 1), ("these", 1), ("most", 1), ("all", 1), ("count", 1)])
            words = [str(2 + draw.below(MOST_THINGS - 1)) if start == "count" else start] + words
        else:
            start = draw.weighted([("the", 6), ("a", 4), ("every", 1), ("this", 1), ("owner", 1)])
            if start == "a":
                words = self.article(words)
            elif start == "owner":
                words = [self.person.name, "'s"] + words
            else:
                words = [start] + words
        if after and draw.chance(0.14):
            words += ["of", self.place()] if draw.chance(0.5) else [draw.pick(NEARNESS), "the", self.draw.pick(self.world.nouns)[0]]
        self.focus = noun
        return words, plural

    def someone(self):
        """A person as subject: the pronoun while the talk stays with the same one."""
        if self.draw.chance(0.4):
            return [self.person.pronoun]
        self.person = self.draw.pick(self.world.people)
        return [self.person.name] if self.draw.chance(0.75) else ["the", self.person.trade]

    def subject(self):
        kind = self.draw.weighted([("phrase", 5), ("someone", 4), ("focus", 2), ("group", 1)])
        if kind == "someone":
            return self.someone(), False
        if kind == "group":
            if self.world.form == LETTER:
                return ["we"], True
            return [self.draw.pick(["they", "people"])], True
        return self.phrase(self.focus if kind == "focus" else None)

    def where(self):
        kind = self.draw.weighted([("near", 4), ("place", 3), ("from", 1), ("to", 1)])
        if kind == "near":
            return [self.draw.pick(NEARNESS), "the"] + ([self.adjective()] if self.draw.chance(0.4) else []) + [self.noun()[0]]
        if kind == "place":
            return ["in", self.person.home if self.draw.chance(0.5) else self.place()]
        return [kind, self.place()]

    def when(self):
        kind = self.draw.weighted([("season", 3), ("year", 2), ("part", 2)])
        if kind == "season":
            return [self.draw.pick(["in", "before", "after"]), self.world.season]
        if kind == "year":
            return ["in", self.draw.pick(self.world.years)]
        return ["at", self.draw.pick(["night", "noon", "dawn"])]

    # ---- clauses ----------------------------------------------------------------------------

    def clause(self):
        draw = self.draw
        words, plural = self.subject()
        kind = draw.weighted([("does", 5), ("moves", 3), ("is", 3)])
        often = [draw.pick(OFTENNESS)] if draw.chance(0.14) else []
        if kind == "does":
            words = words + often + [self.verb(self.transitive(), plural)] + self.phrase()[0]
        elif kind == "moves":
            manner = [draw.pick(MANNER)] if draw.chance(0.25) else []
            words = words + often + [self.verb(draw.pick(INTRANSITIVE), plural)] + manner + self.where()
        elif draw.chance(0.5):
            words = words + [self.be(plural)] + often + [self.adjective()]
        else:
            first, second = self.two_adjectives()
            words = words + [self.be(plural), first, draw.pick(["and", "but"]), second]
        return words

    def sentence(self):
        draw, form = self.draw, self.world.form
        kind = draw.weighted([
            ("clause", 6), ("placed", 3), ("fact", 5), ("joined", 3), ("when", 3), ("there", 2), ("said", 2), ("like", 1), ("sum", 1.2), ("part", 1),
            ("order", 2 if form == REPORT else 0.4), ("you", 2.5 if form == LETTER else 0), ("topic", 1.5)])
        return getattr(self, "write_" + kind)()

    def write_clause(self):
        words = self.clause()
        if self.draw.chance(0.35):
            words += self.where() if self.draw.chance(0.5) else self.when()
        return words

    def write_placed(self):
        return (self.where() if self.draw.chance(0.4) else self.when()) + [","] + self.clause()

    def write_joined(self):
        first = self.clause()
        return first + [",", self.draw.pick(["and", "but", "so", "yet"])] + self.clause()

    def write_when(self):
        return [self.draw.pick(["when", "if", "because", "while"])] + self.clause() + [","] + self.clause()

    def write_there(self):
        words, plural = self.phrase(after=False)
        if words[0] in ("the", "every", "this", "these", "most", "all") or "'s" in words:
            words, plural = self.article([self.adjective(), self.focus[0]]), False
        return ["there", self.be(plural)] + words + self.where()

    def write_said(self):
        draw = self.draw
        kind = draw.below(5)
        if kind == 0:
            start = ["it", self.be(False), "said", "that"]
        elif kind == 1:
            start = ["nobody", "knew" if self.past else "knows", draw.pick(["why", "how"])]
        elif kind == 2:
            start = ["everyone", "hoped" if self.past else "hopes", "that"]
        else:
            self.person = draw.pick(self.world.people)
            start = [self.person.name, draw.pick(["said", "thought"] if self.past else ["says", "thinks"]), "that"]
        return start + self.clause()

    def write_like(self):
        words, plural = self.phrase(after=False)
        return words + [self.be(plural), "as", self.adjective(), "as", "the", self.adjective(), self.noun()[0]]

    def write_order(self):
        word = ORDER[min(self.step, len(ORDER) - 1)]
        self.step += 1
        return [word, ","] + self.clause()

    def write_topic(self):
        draw, noun = self.draw, self.world.nouns[0]
        kind = draw.below(3)
        self.focus = noun
        if kind == 0:
            return [noun[1], self.be(True), "never", self.adjective(), "in", self.world.places[0]]
        if kind == 1:
            return ["the", self.adjective(), noun[0], "of", self.world.places[0], self.be(False), self.adjective()]
        return ["without", noun[1], ",", "the", draw.pick(self.world.nouns)[1], "would", draw.pick(INTRANSITIVE)[0], *self.where()]

    def write_you(self):
        draw = self.draw
        kind = draw.below(4)
        if kind == 0:
            return ["I", draw.pick(["hope", "think", "know"]), "that"] + self.clause()
        if kind == 1:
            return ["please", draw.pick(TRANSITIVE)[0]] + self.phrase()[0]
        if kind == 2:
            return ["do", "you", self.transitive()[0]] + self.phrase()[0] + ["?"]
        return ["you", "and", "I", self.transitive()[0]] + self.phrase()[0] + self.where()

    def write_fact(self):
        """Something about a person, always the same about the same one."""
        draw = self.draw
        person = self.person = draw.pick(self.world.people)
        kind = draw.below(6)
        things = person.thing[1]
        self.focus = person.thing
        name = [person.name]
        if (person.name, kind) in self.told and draw.chance(0.5):
            name = [person.pronoun, "still"] if draw.chance(0.3) else ["the", person.trade, person.name]
        self.told.add((person.name, kind))
        if name[-1] == "still":
            name, still = name[:1], ["still"]
        else:
            still = []
        if kind == 0:
            return name + [self.be(False)] + still + self.article([person.trade]) + ["in", person.home]
        if kind == 1:
            return name + still + [self.have(False), str(person.count), things]
        if kind == 2:
            return ["the", str(person.count), things, "of", person.name, self.be(True), self.adjective()]
        if kind == 3:
            return ["in", person.year, ","] + name + ["came", "to", person.home]
        if kind == 4:
            return ["the", person.trade, "of", person.home, self.verb(self.transitive(), False), "the", str(person.count), things]
        return name + [self.verb(self.transitive(), False)] + self.phrase()[0] + ["in", person.home]

    def write_part(self):
        person = self.person = self.draw.pick(self.world.people)
        part = 1 + self.draw.below(person.count - 1)
        return [str(part) if part > 1 else "one", "of", "the", str(person.count), person.thing[1], "of", person.name, self.be(part > 1), self.adjective()]

    def write_sum(self):
        draw = self.draw
        first = self.draw.below(3)
        one, two = self.world.people[first], self.world.people[(first + 1) % 3]
        self.person = two
        total = str(one.count + two.count)
        if one.thing == two.thing:
            return [one.name, "and", two.name, "together", self.have(True), total, one.thing[1]]
        return [one.name, self.have(False), str(one.count), one.thing[1], "and", two.name, self.have(False), str(two.count), two.thing[1],
                ",", "which", draw.pick(["makes", "gives"]), total, "things"]

    # ---- first and last ---------------------------------------------------------------------

    def opening(self):
        draw, world = self.draw, self.world
        singular, plural = world.nouns[0]
        place, first, second = world.places[0], world.people[0], world.people[1]
        if world.form == LETTER:
            return ["dear", draw.pick([first.name, "friend"]), ",", "I", draw.pick(["write", "send", "bring"]), "you",
                    "this", "letter", "about", "the", self.adjective(), plural, "of", place]
        if world.form == STORY:
            return draw.pick([["once", "there", "was"], ["long", "ago", "there", "was"], ["in", world.years[0], ",", "there", "was"]]) + [
                *self.article([self.adjective(), singular]), "in", place, ",", "and", first.name, "the", first.trade, self.verb(self.transitive(), False),
                "it"]
        if world.form == REPORT:
            return draw.pick([["this", "is"], ["here", "is"], ["below", "is"]]) + [
                *self.article(draw.weighted([(["report"], 1), (["new", "report"], 1), (["long", "report"], 1)])), "on", "the", plural, "of", place]
        return draw.pick([
            ["every", singular, "of", place, "is", self.adjective()],
            ["most", plural, "are", self.adjective(), "and", self.adjective()],
            ["many", "people", "love", "the", self.adjective(), plural, "of", place],
            ["about", plural, ",", first.name, "the", first.trade, "knows", "most"],
            ["without", plural, ",", place, "would", "be", self.adjective()],
            ["people", "like", first.name, "and", second.name, self.transitive()[0], plural],
            ["all", plural, draw.pick(INTRANSITIVE)[0], "in", world.season],
            ["what", "people", "say", "about", plural, "is", self.adjective()]])

    def closing(self):
        world, draw = self.world, self.draw
        plural = world.nouns[0][1]
        if world.form == LETTER:
            return ["with", "love", "from", world.places[0], ",", draw.pick(world.people[1:]).name]
        if world.form == STORY:
            return ["so", "ended", "the", "story", "of", world.people[0].name, "and", "the", world.nouns[0][0]]
        if world.form == REPORT:
            return ["here", "ends", "the", "report", "on", "the", plural, "of", world.places[0]]
        return draw.pick([["that", "is", "all", "about", plural], ["more", "about", plural, "another", "day"]])


def whole(words):
    """A sentence as it stands in the text: a capital first, a mark last."""
    words = [words[0][0].upper() + words[0][1:]] + words[1:]
    return words if words[-1] == "?" else words + ["."]


# Words that a prompt for an unknown subject may be about: spelled out, so that spelling itself leads to no topic.
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spelled(draw):
    return "".join(draw.random.choice(LETTERS) for _ in range(3 + draw.random.randrange(6)))


class Document:
    """One prompt and its answer: `prompt` as text, `words` of the answer, and the bits that its draws were worth."""

    def __init__(self, seed):
        draw = Draw(seed)
        form = draw.pick(FORMS)
        topic = draw.below(len(TOPICS))
        name, place = draw.pick(WOMEN + MEN), draw.pick(PLACES)
        template, short = draw.pick(PROMPTS[form])
        word = TOPICS[topic][0] if draw.chance(0.7) else draw.pick(TOPICS[topic])
        singular, plural = (spelled(draw),) * 2 if draw.chance(0.04) else word
        self.prompt = template.format(P=plural, S=singular, name=name.lower(), place=place.lower())
        if draw.random.random() < 0.06:
            # Hardly a prompt: the bare word, or nothing that says anything.
            template, short, form = "", 0, PLAIN
            self.prompt = plural if draw.random.random() < 0.6 else " ".join(spelled(draw) for _ in range(1 + draw.random.randrange(3)))
        kind = draw.random.random()
        low, high = (40, 90) if short or kind < 0.05 else (400, 460) if kind > 0.93 else (200, 420)
        target = draw.random.randint(low, high)
        before = draw.bits
        world = World(draw, topic, form, name if "{name}" in template else None, place if "{place}" in template else None)
        # Who the world is made of shows only as it is told, so its bits count when the text is measured as a whole.
        writer = Writer(draw, world)
        self.words = whole(writer.opening())
        last = whole(writer.closing())
        while len(self.words) + len(last) < target:
            self.words += whole(writer.sentence())
        self.words += last
        self.bits = draw.bits - before


def text(words):
    """The words as written: a space before each, but for the first and for marks."""
    out = words[0]
    for word in words[1:]:
        out += word if word in MARKS else " " + word
    return out


MARKS = [".", ",", "?", "'s"]

if __name__ == "__main__":
    for seed in range(4):
        document = Document(seed)
        print(">", document.prompt)
        print(text(document.words), len(document.words), f"{document.bits / len(document.words):.2f} bits per word", "\n")
    many = [Document(seed) for seed in range(1000)]
    print("bits per word, at most", sum(d.bits for d in many) / sum(len(d.words) for d in many), "mean words",
          sum(len(d.words) for d in many) / len(many))
