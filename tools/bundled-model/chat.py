"""Chat transcripts in ChatML form: questions and answers about the small world of world.py.

A question and its answer are one line here, however long."""

from common import IM_END, IM_START
from grammar import expand, tidy
from stories import BEASTS, story
from world import ANIMALS, CAPITALS, COLOURS, DAYS, HOWTOS, MIXES, MONTH_DAYS, MONTHS, NUMBERS, OPPOSITES, TOPICS


def join(items):
    return ", ".join(items[:-1]) + " and " + items[-1]


SYSTEMS = ["You are a helpful assistant.", "You are Hypr, a tiny model.", "You are a friendly assistant.",
           "Answer in a short and friendly way.", "You answer questions in simple English.",
           "You are a helpful and honest assistant."]

SIZE = "about 3.48 million parameters"  # one character more or less changes every later document of a text

SMALL_TALK = [
    ("[Hello|Hi|Hey|Hello there|Hi there][!|.|]", "[Hello|Hi|Hello there]! [How can I help you today?|What would you like to know?|What can I do for you?|I am Hypr. How can I help?|Nice to meet you. What shall we talk about?]"),
    ("[Hello, how are you?|Hi, how are you?|How are you?|How are you today?|How is it going?]", "I am [fine|well|doing well], thank you! [How can I help you?|What would you like to know?|And how are you?]"),
    ("Good [morning|evening|afternoon|day][!|.|]", "[Hello|Good day] to you! [How can I help?|What can I do for you?|I hope that you are well.]"),
    ("[Thank you|Thanks|Thanks a lot|Thank you very much][!|.|]", "You are welcome! [Is there anything else?|I am glad that I could help.|Ask me again any time.]"),
    ("[Goodbye|Bye|See you|Good night][!|.|]", "[Goodbye|See you soon|Bye]! [Have a nice day.|Take care.|Come back any time.]"),
    ("[Who are you?|What are you?|Tell me about yourself.|Introduce yourself.|Can you introduce yourself?]", "I am Hypr, a [tiny|very small] language model [that ships with hyprstream|that comes with hyprstream]. [I can answer simple questions and tell short stories.|I run on your own computer and need no network.|I know a little about animals, numbers, capitals and science.]"),
    ("[What is your name?|Do you have a name?|What are you called?|What should I call you?]", "[My name is Hypr.|I am called Hypr.] [I am a tiny language model.|I am the tiny model that ships with hyprstream.]"),
    ("[Are you a human?|Are you a person?|Are you real?|Are you a robot?]", "[No, I am|I am] a computer program. [My name is Hypr, and I am a tiny language model.|I am Hypr, a tiny language model without a body.]"),
    ("[What can you do?|What can you help me with?|How can you help me?|What do you know?]", "I can [answer simple questions, add small numbers and tell short stories|talk about animals, colours, numbers, capitals and science|tell stories, explain simple things and count to twenty]. [I am tiny, so I make mistakes.|Please check important answers.|Just ask me!]"),
    ("[Who made you?|Where do you come from?|Who created you?]", "I was made [for hyprstream|by the hyprstream project] as a tiny model that works [offline|without any download]."),
    ("[What is hyprstream?|Tell me about hyprstream.|What does hyprstream do?]", "Hyprstream is [a program that runs language models on your own computer|a local runtime for language models]. [It can use LoRA adapters.|It can load small LoRA adapters that change how a model writes.|I am the tiny model that ships with it.]"),
    ("[How big are you?|Are you a large model?|How many parameters do you have?|How smart are you?]", "I am very small. I have only [" + SIZE + "|a few million parameters], so I know [little|only simple things] and [sometimes make mistakes|am often wrong]."),
    ("[Do you need the internet?|Do you work offline?|Are you online?]", "[No, I do not need the internet.|I work offline.] I run on your own computer."),
    ("[Do you make mistakes?|Are you always right?|Can I trust you?]", "[I try to be right, but|No.] I am a tiny model, and I [can be wrong|make mistakes]. Please check [what I say|important answers]."),
    ("[What is the weather today?|Will it rain tomorrow?|What time is it?|What is in the news?|What day is today?|Where am I?|How old am I?]", "I [am sorry, but I cannot know that|do not know that]. I am a tiny model [that works offline|without a clock or a network]."),
    ("[Write me a long essay about tax law.|Who won the match yesterday?|What is the price of gold?|Can you translate this into Latin?|Solve this hard equation.|What is the meaning of life?|Tell me a secret.]", "[I am sorry, that is too hard for me.|I do not know.] I am a tiny model and [know only simple things|can answer only simple questions]."),
    ("[Tell me a joke.|Do you know a joke?|Make me laugh.]", "[Why did the cow cross the road? To get to the udder side.|What is brown and sticky? A stick.|Why was the computer cold? It left its windows open.|What do you call a bear with no teeth? A gummy bear.|Why do bees have sticky hair? They use a honeycomb.]"),
    ("[I am sad.|I feel sad today.|I had a bad day.|I am lonely.]", "I am sorry to hear that. [Do you want to tell me more?|A walk or a talk with a friend may help.|Shall I tell you a story?]"),
    ("[I am happy today!|I had a good day.|I feel great.]", "[That is good to hear!|I am glad!] [What made you happy?|What did you do today?|A good day is worth remembering.]"),
    ("[I am bored.|What should I do today?|I have nothing to do.]", "You could [read a book|go for a walk|draw a picture|call a friend|bake some bread]. [Or I can tell you a story.|Would you like a story?|]"),
    ("[Do you like music?|Do you like cats?|What is your favourite colour?|Do you have a favourite animal?|What do you like?]", "I am a program, so I [do not have favourites|cannot like things as you do], but I [enjoy talking about it|am happy to talk about it]. [What about you?|What do you like?]"),
]

LISTS = {
    "animals": "dog cat horse cow lion tiger bear fox owl rabbit whale frog".split(),
    "farm animals": "cow horse sheep pig chicken goat duck".split(),
    "birds": "owl eagle duck penguin chicken crow robin".split(),
    "colours": "red blue green yellow purple orange white black".split(),
    "fruits": "apple pear plum cherry banana orange lemon grape".split(),
    "vegetables": "carrot onion pea potato cabbage bean".split(),
    "seasons": "spring summer autumn winter".split(),
    "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split(),
    "insects": "bee ant butterfly fly beetle moth".split(),
    "tools": "hammer saw drill spade knife rake".split(),
    "musical instruments": "drum flute piano violin trumpet guitar".split(),
    "oceans": ["the Pacific", "the Atlantic", "the Indian Ocean", "the Arctic Ocean"],
    "countries": [c for c in CAPITALS if not c.startswith("the ")],
}

# word: sentences that use it
SENTENCES = {
    "{thing}": ["The {thing} lay on the [table|chair|grass].", "She put the {thing} into her bag.", "I found an old {thing} in the [garden|attic|kitchen].",
                "My [sister|brother|friend] gave me a {colour} {thing}.", "He looked for his {thing} all day."],
    "{animal}": ["The {animal} slept under the [tree|stars].", "We saw a {animal} [near the river|in the morning].", "A {animal} looked at me and ran away.", "The children drew a {animal} in school."],
    "{adjective}": ["It was a {adjective} [morning|day|evening].", "The [house|room|road] was {adjective} and quiet.", "The old man had a {adjective} voice."],
}
SENTENCE_WORDS = {
    "thing": "book ball kite hat lamp cup spoon key bell clock map drum basket letter blanket ladder coin boat chair flower apple".split(),
    "animal": [a for a in ANIMALS if a not in ("fish", "octopus", "whale", "dolphin", "bee", "ant")],
    "adjective": "cold warm bright dark strange soft calm sad happy clear gentle deep".split(),
    "colour": "red blue green yellow white brown".split(),
}

# Each group holds sentences with the same meaning.
PARAPHRASES = [
    ["The {a} is very big.", "The {a} is huge.", "The {a} is really large."],
    ["I am very tired.", "I need to sleep.", "I have no energy left."],
    ["The {a} ran away quickly.", "The {a} fled fast.", "In a hurry, the {a} ran off."],
    ["It is raining a lot.", "The rain is heavy.", "It is pouring outside."],
    ["She likes the {a}.", "She is fond of the {a}.", "The {a} is dear to her."],
    ["He began to laugh.", "He started laughing.", "He burst into laughter."],
    ["The {b} is broken.", "The {b} does not work any more.", "The {b} no longer works."],
    ["We went home late.", "It was late when we went home.", "We did not go home until late."],
    ["The {b} was found by Anna.", "Anna found the {b}.", "It was Anna who found the {b}."],
    ["I do not know where the {b} is.", "I cannot find the {b}.", "The {b} is lost to me."],
    ["The soup is too hot to eat.", "I cannot eat the soup, because it is too hot.", "The soup must cool before I can eat it."],
    ["The {a} was asleep.", "The {a} was sleeping.", "The {a} had fallen asleep."],
    ["It is cold, so I wear a coat.", "I wear a coat because it is cold.", "Because of the cold, I have a coat on."],
    ["The {a} ate all the food.", "All the food was eaten by the {a}.", "The {a} left no food at all."],
    ["My friend gave me a {b}.", "I got a {b} from my friend.", "The {b} was a gift from my friend."],
]

YES_NO = [
    ("Can a penguin fly?", "No, a penguin cannot fly, but it swims very well."),
    ("Is a whale a fish?", "No, a whale is a mammal. It breathes air."),
    ("Is a spider an insect?", "No, a spider is not an insect. It has eight legs, and insects have six."),
    ("Is the sun a star?", "Yes, the sun is a star. It is the star nearest to us."),
    ("Is the moon bigger than the Earth?", "No, the moon is smaller than the Earth."),
    ("Is ice heavier than water?", "No, ice is lighter than water, and so it floats."),
    ("Do fish breathe air?", "No, fish breathe in water through their gills."),
    ("Do bees make honey?", "Yes, bees make honey from the nectar of flowers."),
    ("Can bats fly?", "Yes, bats can fly. They are the only mammals that can."),
    ("Is the Earth flat?", "No, the Earth is round like a ball."),
    ("Is fire hot?", "Yes, fire is very hot. Do not touch it."),
    ("Do plants need light?", "Yes, plants need light to make their food."),
    ("Does the moon make light?", "No, the moon reflects the light of the sun."),
    ("Is a tomato red?", "Yes, a ripe tomato is red."),
    ("Can a computer think?", "A computer follows instructions. Some programs seem to think, but they work with patterns and numbers."),
    ("Is water wet?", "Yes, water is wet."),
]

CALENDAR = [
    ("How many days are in a week?", "There are seven days in a week."),
    ("How many months are in a year?", "There are twelve months in a year."),
    ("Name the days of the week.", "The days of the week are " + join(DAYS) + "."),
    ("Name the months of the year.", "The months are " + join(MONTHS) + "."),
    ("What are the four seasons?", "The four seasons are spring, summer, autumn and winter."),
    ("Which days are the weekend?", "The weekend is Saturday and Sunday."),
    ("What is the first month of the year?", "The first month of the year is January."),
    ("What is the last month of the year?", "The last month of the year is December."),
]


def article(noun):
    return tidy("a " + noun).lower()


def sentences(facts):
    return tidy(". ".join(facts) + ".")


def small_talk(rng):
    question, answer = rng.choice(SMALL_TALK)
    return expand(rng, question), expand(rng, answer)


def animal(rng):
    name = rng.choice(list(ANIMALS))
    legs, sound, young, home, food, facts = ANIMALS[name]
    a = article(name)
    count = NUMBERS[legs] if legs else "no"
    options = [
        (f"[How many legs does {a} have?|How many legs has {a}?]", f"[{a.capitalize()} has {count} legs.|It has {count} legs.]"),
        (f"[What sound does {a} make?|Which sound does {a} make?|What noise does {a} make?]", f"{a} {sound}."),
        (f"[What is a young {name} called?|What do you call a baby {name}?|What is a baby {name} called?]", f"A [young|baby] {name} is called a {young}."),
        (f"[Where does {a} live?|Where can I find {a}?|What is the home of {a}?]", f"{a} lives {home}."),
        (f"[What does {a} eat?|What do you feed {a}?|What is the food of {a}?]", f"{a} eats {food}."),
        (f"[Tell me a fact about the {name}.|Tell me something about the {name}.|What do you know about the {name}?|Do you know a fact about the {name}?]", rng.choice(facts) + "."),
        (f"[Tell me about the {name}.|What is {a}?|Describe {a}.]",
         f"{a} lives {home} and eats {food}. " + sentences(rng.sample(facts, min(2, len(facts))))),
    ]
    question, answer = rng.choice(options)
    return expand(rng, question), expand(rng, answer)


def colour(rng):
    if rng.random() < 0.3:
        (one, two), mixed = rng.choice(list(MIXES.items()))
        if rng.random() < 0.5:
            one, two = two, one
        return (expand(rng, f"[What colour do you get if you mix {one} and {two}?|What do {one} and {two} make?|Mix {one} and {two}. What do you get?]"),
                expand(rng, f"[If you mix {one} and {two}, you get {mixed}.|{one} and {two} make {mixed}.]"))
    thing, shade = rng.choice(list(COLOURS.items()))
    return (expand(rng, f"[What colour is {thing}?|Which colour is {thing}?|Tell me the colour of {thing}.]"),
            expand(rng, f"{thing} is {shade}."))


def opposite(rng):
    one, two = rng.choice(OPPOSITES)
    if rng.random() < 0.5 and one != "light" and two != "light":
        one, two = two, one
    return (expand(rng, f"[What is the opposite of {one}?|Tell me the opposite of {one}.|What is the opposite of the word {one}?|Opposite of {one}?]"),
            expand(rng, f"The opposite of {one} is {two}."))


def add(rng):
    total = rng.randint(2, 20)
    a = rng.randint(1, total - 1)
    b = total - a
    if rng.random() < 0.5:
        return (expand(rng, f"[What is {a} + {b}?|{a} + {b} = ?|How much is {a} + {b}?|Add {a} and {b}.]"),
                f"{a} + {b} = {total}.")
    a, b, total = NUMBERS[a], NUMBERS[b], NUMBERS[total]
    return (expand(rng, f"[What is {a} plus {b}?|How much is {a} plus {b}?|Add {a} and {b}.]"),
            tidy(f"{a} plus {b} is {total}."))


def subtract(rng):
    a = rng.randint(2, 20)
    b = rng.randint(1, a - 1)
    if rng.random() < 0.5:
        return expand(rng, f"[What is {a} - {b}?|{a} - {b} = ?]"), f"{a} - {b} = {a - b}."
    a, b, rest = NUMBERS[a], NUMBERS[b], NUMBERS[a - b]
    return expand(rng, f"[What is {a} minus {b}?|How much is {a} minus {b}?]"), tidy(f"{a} minus {b} is {rest}.")


def count(rng):
    low = rng.choice((1, 1, 1, rng.randint(2, 10)))
    high = rng.randint(low + 2, min(20, low + 12))
    if rng.random() < 0.5:
        return f"Count from {low} to {high}.", ", ".join(str(n) for n in range(low, high + 1)) + "."
    first, last = NUMBERS[low], NUMBERS[high]
    return (expand(rng, f"[Count from {first} to {last}.|Please count from {first} to {last}.]"),
            tidy(", ".join(NUMBERS[low:high + 1]) + "."))


def neighbour(rng):
    n = rng.randint(1, 19)
    if rng.random() < 0.5:
        return f"What number comes after {NUMBERS[n]}?", tidy(f"After {NUMBERS[n]} comes {NUMBERS[n + 1]}.")
    return f"What number comes before {NUMBERS[n]}?", tidy(f"Before {NUMBERS[n]} comes {NUMBERS[n - 1]}.")


def larger(rng):
    a, b = rng.sample(range(1, 21), 2)
    return (expand(rng, f"[Which is larger, {a} or {b}?|Which number is bigger, {a} or {b}?]"),
            f"{max(a, b)} is larger than {min(a, b)}.")


def number(rng):
    return rng.choice([add] * 4 + [subtract] * 2 + [count, neighbour, larger])(rng)


def days_in(month):
    return f"{month} has {MONTH_DAYS[month]} days" + (", or 29 in a leap year." if month == "February" else ".")


def calendar(rng):
    kind = rng.randrange(5)
    names, word = (DAYS, "day") if kind < 2 else (MONTHS, "month")
    i = rng.randrange(len(names))
    if kind in (0, 2):
        return (expand(rng, f"[What {word} comes after {names[i]}?|Which {word} comes after {names[i]}?|Which {word} follows {names[i]}?]"),
                f"After {names[i]} comes {names[(i + 1) % len(names)]}.")
    if kind in (1, 3):
        return (expand(rng, f"[What {word} comes before {names[i]}?|Which {word} comes before {names[i]}?]"),
                f"Before {names[i]} comes {names[i - 1]}.")
    return rng.choice([(f"How many days does {names[i]} have?", days_in(names[i]))] + CALENDAR)


def capital(rng):
    country, city = rng.choice(list(CAPITALS.items()))
    if rng.random() < 0.25:
        return (expand(rng, f"[{city} is the capital of which country?|Which country has the capital {city}?|Where is {city}?]"),
                expand(rng, f"{city} is the capital of {country}."))
    return (expand(rng, f"[What is the capital of {country}?|Which city is the capital of {country}?|Tell me the capital of {country}.|Do you know the capital of {country}?|Capital of {country}?]"),
            f"The capital of {country} is {city.removesuffix('.')}.")


def topic(rng):
    name, (question, facts) = rng.choice(list(TOPICS.items()))
    facts = [expand(rng, fact) for fact in facts]
    if rng.random() < 0.35:
        return (expand(rng, f"[{question}|{question}|Define {name}.|In one sentence, {question[0].lower() + question[1:]}]"), sentences(facts[:1]))
    count = rng.randint(2, min(4, len(facts)))
    chosen = [facts[0]] + [facts[i] for i in sorted(rng.sample(range(1, len(facts)), count - 1))]
    ask = f"[{question}|{question}|Explain {name} in simple terms.|Tell me about {name}.|Explain {name}.|Can you explain {name}?|What do you know about {name}?]"
    return expand(rng, ask), sentences(chosen)


def how_to(rng):
    task, steps = rng.choice(list(HOWTOS.items()))
    question = expand(rng, f"[How do I {task}?|How can I {task}?|Tell me how to {task}.|How do you {task}?|Explain how to {task}.]")
    if rng.random() < 0.5:
        return question, "\n".join(f"{n}. {step}." for n, step in enumerate(steps, 1))
    second = steps[1][0].lower() + steps[1][1:]
    third = steps[2][0].lower() + steps[2][1:]
    return question, f"First, {steps[0][0].lower() + steps[0][1:]}. Then {second}. {rng.choice(('At the end', 'Finally', 'Last'))}, {third}."


def tell_story(rng):
    kind = rng.choice(BEASTS)
    return (expand(rng, f"[Tell me a story about a {kind}.|Tell me a short story about a {kind}.|Write a story about a {kind}.|Can you tell me a story about a {kind}?|I want a story about a {kind}.]"),
            story(rng, kind=kind, short=True))


def any_story(rng):
    return (expand(rng, "[Tell me a story.|Tell me a short story.|Can you tell me a story?|I would like a story, please.|Write a short story.]"),
            story(rng, short=True))


def sentence(rng):
    slot = rng.choice(list(SENTENCES))
    words = {key: rng.choice(values) for key, values in SENTENCE_WORDS.items()}
    word = words[slot[1:-1]]
    return (expand(rng, f"[Write a sentence with the word {word}.|Make a sentence with the word {word}.|Use the word {word} in a sentence.|Give me a sentence with the word {word}.]"),
            expand(rng, rng.choice(SENTENCES[slot]), words))


def paraphrase(rng):
    words = {"a": rng.choice("dog cat horse bear fox child bird".split()), "b": rng.choice("clock lamp radio phone watch bell".split())}
    one, two = (tidy(s.format_map(words)) for s in rng.sample(rng.choice(PARAPHRASES), 2))
    return expand(rng, f"[Say it in other words: {one}|Say this in other words: {one}|Put this in other words: {one}|Rephrase: {one}]"), two


def name_some(rng):
    kind, items = rng.choice(list(LISTS.items()))
    n = rng.randint(2, min(4, len(items)))
    chosen = rng.sample(items, n)
    return (expand(rng, f"[Name {NUMBERS[n]} {kind}.|Tell me {NUMBERS[n]} {kind}.|Can you name {NUMBERS[n]} {kind}?|List {NUMBERS[n]} {kind}.]"),
            expand(rng, f"[Here are {NUMBERS[n]} {kind}: {join(chosen)}.|{join(chosen)}.]"))


def yes_no(rng):
    return rng.choice(YES_NO)


TURNS = ([small_talk] * 14 + [animal] * 14 + [colour] * 4 + [opposite] * 5 + [number] * 20 + [calendar] * 6 +
         [capital] * 11 + [topic] * 18 + [how_to] * 6 + [tell_story] * 5 + [any_story] * 2 + [sentence] * 4 +
         [paraphrase] * 4 + [name_some] * 4 + [yes_no] * 3)


def vary(rng, question):
    """Small surface changes that real users make."""
    pick = rng.random()
    if pick < 0.07:
        return question[0].lower() + question[1:]
    if pick < 0.11:
        return question.rstrip(".?!")
    if pick < 0.14 and question.endswith("?"):
        return rng.choice(("Hello! ", "Please tell me: ", "I have a question. ", "Hypr, ")) + question
    return question


def chat(rng):
    """One ChatML transcript of one to three turns."""
    lines = []
    if rng.random() < 0.3:
        lines.append(("system", rng.choice(SYSTEMS)))
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        question, answer = rng.choice(TURNS)(rng)
        lines += [("user", vary(rng, question)), ("assistant", answer)]
    return "".join(f"{IM_START}{role}\n{text}{IM_END}\n" for role, text in lines)
