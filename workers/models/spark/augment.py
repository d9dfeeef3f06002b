"""Rewording on the fly: every time a question is shown to the model it looks a little different."""
import random

from spark_text import normalise

# Words and phrases that may stand for each other. One line is one group, entries are separated by commas.
SYNONYMS = """
how do i, how can i, how to, how would i, what is the way to, is there a way to, i want to, id like to, how should i, can i, i need to, tell me how to, what must i do to
how does, in what way does, in which way does, explain how does
what is, whats, define, explain, tell me about, what exactly is, what is meant by, describe
what does, what would, what might
why, how come, for what reason, what is the reason, why on earth
where, in which place, whereabouts, on which screen, at what spot
is it possible to, can i, may i, am i able to, could i
do i have to, must i, do i need to, am i forced to, is it necessary to, should i
happens, occurs, goes on
tabmesh, this app, the app, the mesh, this site, this, your app, this website, this page
mean, stand for, signify, say, tell me
answer, reply, response, output, result
answers, replies, responses, results
answered, replied, responded
answering, replying, responding
question, prompt, query, request, message, text
questions, prompts, queries, requests, messages
check, verify, validate, control, inspect, test, confirm
checked, verified, validated, confirmed, approved, tested
checking, verification, validation, verifying
checker, validator, verifier, checking node
checkers, validators, verifiers
wrong, incorrect, false, mistaken, inaccurate, untrue, nonsense
mistake, error, fault
friend, colleague, mate, buddy, neighbour, sister, brother, mum, dad, coworker, cousin, wife, husband, uncle, classmate, teacher
friends, colleagues, mates, family, neighbours, people, others, classmates, coworkers, folks
invite, bring in, get in, let in, add, ask to join, call in
invitation, invite, invite link
phone, mobile, smartphone, cell phone, iphone, android phone, handset
tablet, ipad
laptop, computer, pc, machine, notebook, desktop, macbook, device
money, cash, euros, dollars, an income, a salary
earn, make, get, receive, gain
pay, spend, give money
price, cost, fee, charge
free, gratis, without charge, free of charge
battery, charge, power, energy
hot, warm, overheated
mobile data, data plan, data volume, cellular data, traffic, bandwidth
delete, remove, erase, wipe, clear, get rid of, destroy, purge
everything, all of it, all my data, the lot, all traces
backup, back up, safe copy, copy, save
restore, recover, bring back, get back, retrieve, import
identity, key, profile, node identity
passphrase, password, secret phrase
block, ban, mute, ignore, banish, silence, shut out, get rid of, blacklist
someone, somebody, a person, a node, a user, a peer, a member, a guy, a stranger
name, nickname, handle, alias
change, edit, modify, alter, set
pick, choose, select, decide on
receipt, receipts, proof, voucher
ledger, log, record, journal, history
offline, without internet, with no connection, without a network, in airplane mode, without wifi, when the internet is down
update, new version, newer version, upgrade, new release
alone, by myself, the only one, on my own
nobody, no one, no other people, not a soul, no peers, no other nodes
connect, reach, link up, get through
cannot, cant, can not, wont, am unable to, fails to
firewall, nat, router, proxy
install, set up, add
home screen, homescreen, launcher, start screen, desktop
icon, symbol
community, group, circle
create, make, start, set up, found, open
leave, quit, exit, get out of, withdraw from
link, url, address
qr code, qr, square code
expire, run out, end, become invalid
ip address, ip, network address, internet address
visible, exposed, shown, public, revealed, known
gpu, graphics card, video card, graphics chip, nvidia card, webgpu
mining, digging for coins, crypto mining
bitcoin, crypto, monero, cryptocurrency, coins
safe, secure, harmless
dangerous, risky, harmful, unsafe
virus, malware, trojan, spyware
files, documents, photos, pictures, folders
hidden, in the background, minimised, behind other windows, not visible
close, shut, exit
units, points, score
slow, sluggish, laggy, so late
long, ages, forever, much time
model, ai, llm, language model, network
bigger, larger, stronger, smarter, more powerful, better, cleverer
small, tiny, little, mini
node, peer
nodes, peers, other tabs
private, secret, confidential
read, see, view, look at
send, transmit, submit, hand over
company, firm, corporation, business
licence, license
account, login, registration, user account, profile
sign up, register, enroll, create an account
firefox, chrome, safari, edge, opera, brave
browser, web browser
cheat, lie, fake, forge, deceive, trick, manipulate
cheats, lies, fakes, deceives, tricks
stop, cancel, abort, halt, interrupt, break off, end
pause, suspend, take a break, rest
contribute, help out, share my power, offer my device, donate compute, participate, take part, lend a hand
contributing, helping, sharing, participating
crash, die, fail, disappear, vanish
crashes, dies, fails, disappears, vanishes, goes away
closed, shut, gone
see, find, look up, discover
show, display, list
start, begin, launch
need, require, want
use, work with, operate
works, functions, runs
work, function, operate
work out, determined, decided
store, keep, save
stored, kept, saved
person, human, man, woman
big, large, huge
quick, fast, speedy
download, fetch, load
job, task, piece of work
jobs, tasks, work
signed, sealed
signature, seal
seal, sealed, signed summary
route, trace, path
grey, gray
marked, labelled, flagged, shown as
label, mark, badge, sign, tag
disagree, contradict each other, differ, are not of one mind
lost, forgotten, missing
forgot, forgotten, lost, cannot remember
"""

PREFIXES = """hey|hi|hello|please|ok so|um|quick question|can you tell me|could you explain|i wonder|i was wondering|tell me
do you know|just curious|sorry|one more thing|well|excuse me|i need to know|help|good morning|good evening|someone asked me
dumb question|real quick|i am confused|i dont understand|so|and|ok|hmm|listen|say|by the way|now|question|another question
can you help me|please explain|explain to me|id like to know|i would like to understand|would you say|any idea|help me
my friend asks|my boss asks|stupid question maybe but|maybe|actually|oh|spark|hey spark|dear spark|let me ask"""
SUFFIXES = """please|thanks|thank you|pls|exactly|actually|then|right|is that so|is that true|you know|ty|asap|for me|i dont get it
can you explain|if i may ask|anyway|at all|now|today|really|in short|in simple words|for beginners|any help|i am curious|or not|or what
just asking|cheers|in detail|quickly|help"""
APP_SUFFIXES = "here|in this app|in tabmesh|on tabmesh|in the mesh|with this|on this site|with tabmesh|in here"
PREFIXES = PREFIXES.replace("\n", "|").split("|")
SUFFIXES = SUFFIXES.replace("\n", "|").split("|")
APP_SUFFIXES = APP_SUFFIXES.split("|")

STOP = set("""a an the is are was be been do does did of to in on at for with by from and or but if then so it its this that these those i
you he she we they me my your our their am can could would will shall should may might must have has had there here what which who
whom how why when where not no just only also very really about into up out""".split())

# Words of the app that also occur in ordinary life, for foreign questions that sound near.
APP_WORDS = """tab tabs key keys node nodes network mesh receipt receipts ledger check checked validator seal battery phone browser invite
invitation link credit unit units model lab spark community block chain backup restore passphrase identity offline update install screen
home name address question answer signature route record job contribute mining gpu device account owner company licence member
stop ask trust lie private secret safe money wallet coin qr code server storage settings version connection peer proof""".split()
FRAMES = """recipe for {}|best {} brand|history of {}|{} in spanish|poem about a {}|how to draw a {}|meaning of {} in a dream|{} lyrics
buy {} online|who invented the {}|translate {} into french|cheap {} near me|write an email about {}|synonym for {}|how to repair a {}
{} for my car|what rhymes with {}|essay about {}|joke about {}|{} in the bible|{} company stock price|the best movie about {}
how to clean {}|{} and {}|is {} bad for your health|kids games with {}|{} in medieval times|how old is {}|python code for {}
how do you spell {}|plural of {}|capital of {}|{} band members|tax rules for {}|{} in biology|how do plants use {}|{} tattoo ideas
{} of my car|lost {} at the airport|explain {} in chemistry|maths problem with {}|{} at the supermarket|football {}|{} cake
what is {}|who is {}|where is {}|why is {} so {}|how do i cook {}|how do i {} a {}|can you {} my {}|tell me about {}|how many {}
my {} hurts|does {} have {}|when was {} born|how far is {}|{} vs {}|give me {}|is {} a good {}|who won {}"""
FRAMES = FRAMES.replace("\n", "|").split("|")
THINGS = """potato garden river dog cat horse car bicycle train plane ticket hotel beach mountain song guitar piano violin film actor book
novel poem painting museum church castle king queen war battle treaty president election law judge contract tax rent house flat kitchen
oven cake bread cheese wine beer coffee tea soup pasta rice chicken fish salad apple banana tomato garlic sugar salt doctor hospital
headache fever medicine diet muscle heart bone blood skin hair tooth baby child school teacher homework exam university essay physics
chemistry biology gravity atom planet moon sun star galaxy rocket weather rain snow storm football tennis goal team olympics marathon
chess poker holiday christmas birthday wedding party dress shoes jacket watch ring perfume mirror lamp sofa table chair window door roof
paint hammer engine tyre oil fuel bus road bridge city village paris london berlin africa china japan italy spain russia brazil dinosaur
whale shark eagle bee spider snake lion tree flower rose grass forest desert island ocean volcano earthquake stock market inflation bank
loan mortgage insurance salary interview resume manager email excel word powerpoint python java html linux windows printer keyboard
television radio camera photo video game minecraft netflix youtube instagram tiktok amazon tesla apple google nasa language french german
latin grammar verb translation sentence story joke riddle prayer bible god philosophy love girlfriend boyfriend divorce sleep dream
yoga running swimming dance ballet opera jazz rock drum knitting sewing fishing hunting camping police crime murder prison refugee""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NEAR = {"a": "sq", "s": "ad", "d": "sf", "e": "wr", "r": "et", "t": "ry", "o": "ip", "i": "uo", "n": "bm", "m": "n", "l": "k", "h": "gj",
        "c": "xv", "k": "jl", "g": "fh", "y": "tu", "u": "yi", "p": "o"}


def build_table():
    table = {}
    for line in SYNONYMS.strip().split("\n"):
        group = [normalise(entry) for entry in line.split(",")]
        for entry in group:
            table.setdefault(tuple(entry.split(" ")), []).append([other for other in group if other != entry])
    return table


TABLE = build_table()


class Augmenter:
    def __init__(self, items, rng):
        """`items`: (question, label) pairs that may be used for training."""
        self.rng = rng
        self.by_label = {}
        for question, label in items:
            self.by_label.setdefault(label, []).append(normalise(question).split(" "))
        letters = {}
        for questions in self.by_label.values():
            for words in questions:
                for word in words:
                    padded = "^^" + word + "$"
                    for index in range(len(padded) - 2):
                        letters.setdefault(padded[index:index + 2], []).append(padded[index + 2])
        self.letters = letters
        self.foreign_words = [word for words in self.by_label.get("foreign", []) for word in words if word not in STOP]
        self.foreign_words += THINGS

    def pseudo_word(self):
        word = "^^"
        for _ in range(12):
            following = self.rng.choice(self.letters[word[-2:]])
            if following == "$":
                break
            word += following
        return word[2:] or "zog"

    def synonyms(self, words, rate):
        out, index = [], 0
        while index < len(words):
            for length in (4, 3, 2, 1):
                key = tuple(words[index:index + length])
                if len(key) == length and key in TABLE and self.rng.random() < rate * (1.5 if length > 1 else 1.0):
                    out += self.rng.choice(self.rng.choice(TABLE[key])).split(" ")
                    index += length
                    break
            else:
                out.append(words[index])
                index += 1
        return out

    def typo(self, word):
        rng = self.rng
        if len(word) < 4:
            return word
        place = rng.randrange(1, len(word))
        kind = rng.randrange(5)
        if kind == 0 and place < len(word) - 1:
            return word[:place] + word[place + 1] + word[place] + word[place + 2:]
        if kind == 1:
            return word[:place] + word[place + 1:]
        if kind == 2:
            return word[:place] + word[place] + word[place:]
        if kind == 3:
            near = NEAR.get(word[place], LETTERS)
            return word[:place] + rng.choice(near) + word[place + 1:]
        return word[:place] + rng.choice(LETTERS) + word[place:]

    def noise(self, words, foreign, strength):
        rng = self.rng
        if rng.random() < 0.75:
            words = self.synonyms(words, 0.25 * strength)
        drop = rng.choice([0.0, 0.0, 0.08, 0.16, 0.25]) * strength
        if drop and len(words) > 2:
            kept = [word for word in words if rng.random() >= (drop * 1.5 if word in STOP else drop * 0.7)]
            words = kept or words
        if rng.random() < 0.08 * strength:
            content = [word for word in words if word not in STOP]
            words = content or words
        if len(words) > 3 and rng.random() < 0.12 * strength:
            place = rng.randrange(len(words) - 1)
            words[place], words[place + 1] = words[place + 1], words[place]
        if len(words) > 5 and rng.random() < 0.08 * strength:
            place = rng.randrange(2, len(words) - 2)
            words = words[place:] + words[:place]
        if rng.random() < 0.3:
            rate = 0.12 * strength
            words = [self.typo(word) if rng.random() < rate else word for word in words]
        if rng.random() < 0.25:
            words = rng.choice(PREFIXES).split(" ") + words
        if rng.random() < 0.15:
            words = words + rng.choice(SUFFIXES).split(" ")
        if not foreign and rng.random() < 0.06:
            words = words + rng.choice(APP_SUFFIXES).split(" ")
        return words

    def intent(self, words, label, strength):
        rng = self.rng
        words = list(words)
        roll = rng.random()
        if roll < 0.10 * strength:
            other = list(rng.choice(self.by_label[label]))
            words = words + other if rng.random() < 0.5 else other + words
            words = words[:28]
        elif roll < 0.18 * strength and len(words) > 4:
            other = rng.choice(self.by_label[label])
            words = words[:max(2, len(words) // 2)] + list(other[len(other) // 2:])
        return self.noise(words, False, strength)

    def foreign(self, words, strength):
        rng = self.rng
        roll = rng.random()
        if roll < 0.14:
            pool = APP_WORDS if rng.random() < 0.5 else self.foreign_words
            text = rng.choice(FRAMES)
            while "{}" in text:
                choice = rng.random()
                word = self.pseudo_word() if choice < 0.12 else rng.choice(pool if choice < 0.75 else self.foreign_words)
                text = text.replace("{}", word, 1)
            words = normalise(text).split(" ")
        elif roll < 0.17:
            words = [self.pseudo_word() for _ in range(rng.randrange(1, 6))]
        elif roll < 0.18:
            words = ["".join(rng.choice(LETTERS) for _ in range(rng.randrange(2, 12))) for _ in range(rng.randrange(1, 4))]
        else:
            words = list(words)
            if roll < 0.28:
                other = list(rng.choice(self.by_label["foreign"]))
                words = words[:max(2, len(words) // 2)] + other[len(other) // 2:]
            swap = rng.random()
            if swap < 0.4:
                for place, word in enumerate(words):
                    if word in STOP or rng.random() > 0.3:
                        continue
                    choice = rng.random()
                    if choice < 0.65:
                        words[place] = rng.choice(self.foreign_words)
                    elif choice < 0.85:
                        words[place] = self.pseudo_word()
                    else:
                        words[place] = rng.choice(APP_WORDS)
        return self.noise(words, True, strength)

    def sample(self, words, label, strength=1.0):
        if label == "foreign":
            return self.foreign(words, strength)
        return self.intent(words, label, strength)


if __name__ == "__main__":
    from spark_text import load_foreign, load_intents
    pairs = [(q, i["id"]) for i in load_intents() for q in i["questions"]] + [(q, "foreign") for q in load_foreign()]
    helper = Augmenter(pairs, random.Random(1))
    for _ in range(30):
        question, label = helper.rng.choice(pairs)
        print(label, "|", question, "->", " ".join(helper.sample(normalise(question).split(" "), label)))
