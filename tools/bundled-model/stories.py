"""Short stories for children: word lists, a cast, and thirty plots, each a list of beats in the template language
of grammar.py. One beat is one line here, however long."""

from grammar import expand

GIRLS = "Mia Lily Anna Rosa Nora Ella Zoe Clara Ivy Maya Lucy Emma Ruby Sara Tess Hana Molly Daisy Amy Kira".split()
BOYS = "Tom Ben Max Sam Leo Finn Jack Theo Omar Noah Tim Luca Hugo Adam Ravi Peter Oscar Milo Eli Jonas".split()
PETS = "Pip Bella Dot Biscuit Poppy Rusty Coco Bramble Nibbles Fern Hazel Button Pepper Clover Tilly Moss".split()
BEASTS = ("fox rabbit bear mouse owl hedgehog squirrel duck turtle frog badger otter kitten puppy lamb "
          "goose goat beaver mole deer").split()
TRAITS = "kind brave curious shy clever quiet cheerful gentle busy careful playful patient".split()
PLACES = ("in a small house by the sea|in a green valley|near a deep forest|at the edge of a quiet village|"
          "on a farm|beside a slow river|at the foot of a tall mountain|near a big lake|in a busy town|"
          "on a little island|next to an old mill|under a tall oak tree").split("|")
SPOTS = ("park|beach|pond|river|lake|old bridge|mill|playground|big oak|harbour|orchard|market|garden gate").split("|")
THINGS = ("ball|kite|hat|scarf|book|drum|bell|basket|lantern|boat|teddy bear|whistle|key|ring|paintbrush|"
          "flute|blanket|cup|spoon|umbrella|mitten|wagon").split("|")
COLOURS = "red blue green yellow purple orange white golden brown silver".split()
FOODS = ("apple pie|honey cake|warm bread|berry jam|carrot soup|pancakes|cookies|cheese|nuts|pears|plums|"
         "strawberries|mushroom soup|ginger biscuits").split("|")
SKILLS = ("swim|whistle|skate|paint|sing|juggle|dance|row a boat|play the flute|bake bread|climb the old oak|"
          "fly a kite|read|ride a bicycle|jump over the stream|tell stories").split("|")
FEARS = ("the dark|thunder|deep water|high places|loud noises|the old cellar|strangers|the long bridge").split("|")
GROWN = ("grandmother|grandfather|mother|father|aunt|uncle").split("|")
NEIGHBOURS = ("baker|miller|shepherd|gardener|fisherman|teacher|librarian|clockmaker").split("|")
WEATHER = ("sunny|cloudy|windy|bright|cold|warm|misty|rainy|quiet").split("|")

START = ("[once upon a time, there was|once upon a time, there was|once upon a time, there lived|long ago, there was|"
         "there once was] {a_hero} [named|called] {name}. {He} lived {home}. [{name} was very {trait}.|"
         "{name} was {trait}, and everyone [liked|loved] {him}.|{He} was {trait} and liked to {hobby}.|]")
DAY = "[one {weather} morning|one {weather} day|one day|one afternoon|one evening|on {day}|early one morning]"

HOBBIES = ("play outside|look at the clouds|sing little songs|collect smooth stones|read by the window|"
           "watch the birds|draw pictures|help other people|walk in the hills|make up games").split("|")

ENDINGS = [
    "from that day on, {name} and {friend} were the best of friends.",
    "{name} went home [happy|with a smile|tired but happy] [and slept well|] that night.",
    "and {name} never forgot that day.",
    "that night, {name} looked at the stars and smiled.",
    "it had been a [good|wonderful|long and happy] day.",
    "\"what a day!\" said {name}, and {he} laughed.",
    "and they lived happily ever after.",
    "the end.",
]

ASIDES = [
    "a [bird|robin|blackbird] sang in [a tree|the hedge] nearby.",
    "the sun was [warm|bright], and the air smelled of [grass|flowers|hay].",
    "a soft wind moved the leaves.",
    "far away, a [dog barked|bell rang|cow mooed].",
    "the clouds looked like [sheep|ships|castles].",
    "a bee buzzed from flower to flower.",
]

# Each plot is a list of beats. Slots: {name} hero, {friend} second character,
# {he} {him} {his} for the hero and {fhe} {fhim} {fhis} for the friend.
PLOTS = {
    "lost": [
        DAY + ", {name} could not find {his} {colour} {thing}. [{He} was very sad.|It was {his} favourite {thing}.|{He} loved that {thing} very much.]",
        "[first, ]{he} looked [under the bed|behind the door|in the kitchen], but it was not there. then {he} looked [in the shed|under the table|beside the well], but it was not there either.",
        "\"[why are you so sad|what is wrong|can I help you], {name}?\" asked {friend} the {fkind}. \"I [have lost|cannot find] my {colour} {thing},\" said {name}.",
        "\"[where did you play with it|where did you have it last]?\" asked {friend}. {name} thought [hard|for a moment]. \"at the {spot}!\" {he} cried.",
        "they [ran|hurried|walked] to the {spot} together. there, [under a bush|behind a stone|in the tall grass], lay the {colour} {thing}.",
        "\"thank you, {friend}!\" said {name}. \"[Two look better than one|I could not have found it without you|You are a true friend].\"",
    ],
    "rescue": [
        DAY + ", {name} [walked|was walking] [to|past|near] the {spot} [when {he}|and] heard a small cry.",
        "it was a little {fkind}. {Fhis} [leg|foot] was [stuck|caught] [in some branches|between two stones|in an old net].",
        "\"do not be afraid,\" said {name}. \"I will help you.\" {He} [pulled gently|worked slowly and carefully] until the little {fkind} was free.",
        "\"thank you,\" said the {fkind}. \"My name is {friend}. [I will not forget this|One day I will help you too].\"",
        "[a few days later|the next week|some time later], {name} [lost {his} way|got lost] [in the fog|in the dark|in a snowstorm]. {He} [was cold and afraid|did not know where to go].",
        "then {he} heard a voice. \"[follow me|this way], {name}!\" It was {friend}. {Fhe} [led {him}|showed {him} the way] [safely|all the way] home.",
        "[so a small kindness came back to {him}.|{name} learned that kindness comes back.|one good deed had led to another.]",
    ],
    "share": [
        DAY + ", {name} had [a basket of|some|a plate of] {food}. [{He} wanted to eat everything alone.|{He} sat down to eat.|]",
        "then {friend} the {fkind} came by. {Fhe} looked [hungry|tired and hungry|sad]. \"I have had nothing to eat today,\" said {friend}.",
        "{name} looked at the {food} and then at {friend}. [there was not much, but there was enough for two.|for a moment {he} did not know what to do.]",
        "\"[come and sit with me|please eat with me],\" said {name}. \"We can share.\" they ate together and [talked|laughed|told stories].",
        "[the next day|a week later], {friend} came back with [a bag of nuts|a jar of honey|a basket of apples]. \"this is for you,\" {fhe} said.",
        "[{name} learned that sharing makes food taste better.|\"food tastes best with a friend,\" said {name}.|so both of them had more than before.]",
    ],
    "fear": [
        "but {name} was afraid of {fear}. [{He} did not want anyone to know.|the others did not know this.|it made {him} feel small.]",
        DAY + ", {friend} the {fkind} [called for help|was in trouble] near the {spot}. to reach {fhim}, {name} had to face {fear}.",
        "{his} heart beat fast. \"[I am afraid|I do not know if I can do it],\" {he} whispered, \"[but my friend needs me|but I will try].\"",
        "{he} took a deep breath and went on, [step by step|one step at a time|slowly but surely]. [soon|at last] {he} reached {friend}.",
        "\"you came!\" said {friend}. \"[How brave you are|I knew you would come]!\" \"I was afraid all the way,\" said {name}.",
        "\"being brave does not mean that you are not afraid,\" said {friend}. \"It means that you [do it anyway|go on].\"",
    ],
    "skill": [
        "{name} wanted to learn to {skill}. \"[it looks so easy|everyone can do it but me],\" {he} said.",
        DAY + ", {he} tried for the first time, but [it went wrong|it did not go well|{he} could not do it]. {friend} the {fkind} [saw it|was watching].",
        "\"[I will never learn it|it is too hard|I give up]!\" said {name}. \"[not yet|do not give up],\" said {friend}. \"[try a little every day|everyone has to start somewhere|let me show you how].\"",
        "so {name} practised [every day|every morning|after breakfast each day]. on {day} it was a little better. on {day2} it was better still.",
        "[at last|after many days|one week later], {he} could {skill}! {friend} clapped. \"[I knew you could do it|look at you now]!\" {fhe} said.",
        "[{name} was proud of {himself}.|\"practice helps,\" said {name}.|then {name} began to teach the little ones.]",
    ],
    "broken": [
        DAY + ", {name} was playing [inside|in the house|in the kitchen]. by accident, {he} knocked over {his} {grown}'s {colour} {vase}. it [broke into pieces|fell and broke].",
        "[{name} felt terrible.|{name} wanted to hide the pieces.|\"oh no!\" said {name}.] \"you could say that the wind did it,\" said {friend} the {fkind}.",
        "{name} thought about it. \"no,\" {he} said, \"[that would be a lie|I want to tell the truth].\"",
        "{he} went to {his} {grown} and said, \"I am sorry. I broke your {vase}.\" {his} {grown} [was quiet for a moment|looked at the pieces|sighed].",
        "\"I am sad about the {vase},\" said {his} {grown}, \"but I am [glad|proud] that you told me the truth.\"",
        "together they [glued the pieces|mended it]. [the {vase} was not perfect, but it was special.|it had cracks, but {name} felt much better.]",
    ],
    "seed": [
        DAY + ", {name} found a [tiny|small|strange] seed [near|by] the {spot}. \"what will it become?\" {he} wondered.",
        "{he} put it [in a pot|in the ground], covered it with soil and gave it some water. [every day {he} came to look.|then {he} waited.]",
        "on the first day nothing happened. on the second day nothing happened. \"[it will never grow|maybe it is asleep],\" said {friend} the {fkind}. \"[be patient|give it time],\" said {name}.",
        "[after a week|one morning], a little green leaf [came out of the ground|looked out of the soil]. {name} [danced with joy|clapped|called {friend}].",
        "the plant grew and grew. by [summer|autumn] it was a tall [sunflower|apple tree|bean plant|rose bush].",
        "\"[good things take time|you were right to wait],\" said {friend}. {name} [nodded and smiled|gave {fhim} a seed of {fhis} own].",
    ],
    "storm": [
        DAY + ", {name} and {friend} the {fkind} were playing at the {spot}. suddenly the sky turned [dark|grey], and it began to rain.",
        "the wind [blew|roared], and thunder rolled over the hills. \"we must find shelter!\" [called|cried] {name}.",
        "they [ran to|found] [an old barn|a dry cave|a hollow tree] and sat close together. \"I do not like thunder,\" said {friend}.",
        "\"[let us count|let us sing a song|let us tell a story] until it is over,\" said {name}. [so they did|and they did], and soon {friend} was not afraid any more.",
        "when the rain stopped, they looked outside. [a rainbow stood over the {spot}|there was a bright rainbow in the sky].",
        "\"[look how beautiful it is|without the rain we would not have seen it]!\" said {friend}.",
    ],
    "race": [
        DAY + ", all the animals met at the {spot} for a race. {friend} the {fkind} was the fastest of them all. \"[I will win easily|nobody can beat me],\" {fhe} said.",
        "{name} was not so fast, but {he} wanted to try. [\"just do your best,\" said the old owl.|everyone lined up.] one, two, three, go!",
        "{friend} ran ahead at once. but {fhe} [stopped to rest|looked back and laughed] and [fell into a ditch|tripped over a root]. \"ouch, my foot!\" {fhe} cried.",
        "{name} could have run past and won. but {he} stopped. \"[lean on me|give me your hand],\" {he} said. [slowly|together] they walked to the finish.",
        "[they came in last, but everyone cheered.|nobody remembered who had won, but everyone remembered {name}.]",
        "\"[I am sorry that I boasted|you are the real winner],\" said {friend}.",
    ],
    "newfriend": [
        DAY + ", a new [neighbour|family] came to live near {name}. it was {friend}, a {ftrait} little {fkind}.",
        "{friend} [sat alone|stood by the fence] and did not say anything. [\"maybe {fhe} is shy,\" thought {name}.|{name} remembered how it feels to be new.]",
        "{name} took {his} {colour} {thing} and went over. \"hello, I am {name},\" {he} said. \"[do you want to play with me|would you like to see my {thing}]?\"",
        "{friend} looked up and smiled. \"yes, [please|I would like that],\" {fhe} said. they [played until it was dark|went to the {spot} and played all day].",
        "\"[I was afraid that nobody would like me|I did not know anyone here],\" said {friend}. \"now you know me,\" said {name}.",
    ],
    "gift": [
        "it was nearly {friend}'s birthday. {friend} the {fkind} was {name}'s best friend, and {name} wanted to give {fhim} something [special|nice].",
        "but {name} had no money. [{He} thought and thought.|{He} sat down by the window and thought.] \"I can make something [with my own hands|myself],\" {he} said at last.",
        "{he} [worked all evening|worked for three days] and made a {colour} {thing}. [it was a bit crooked.|it was not perfect.|there was one small mistake in it.]",
        "on the day of the party, the others brought big presents. {name} felt [shy|worried]. \"mine is so small,\" {he} said.",
        "{friend} opened it, and {fhis} eyes [shone|grew wide]. \"you made this for me?\" {fhe} asked. \"[this is the best gift of all|I will keep it forever]!\"",
    ],
    "lostforest": [
        DAY + ", {name} went [into the forest|deep into the woods] to look for [berries|mushrooms|flowers]. {he} went farther and farther.",
        "[when {he} turned around|when it grew dark], {he} could not see the path. \"[I am lost|which way is home]!\" {he} said. {his} voice was very small.",
        "\"hoo, hoo,\" said someone above {him}. it was {friend} the owl. \"[do not cry|stay calm]. what can you hear?\"",
        "{name} listened. \"I can hear [water|the river],\" {he} said. \"good,\" said {friend}. \"[the river runs past your home|follow the water, and it will lead you home].\"",
        "so {name} followed the river under the [moon|stars], and {friend} flew above {him}. [soon|at last] {he} saw a light in a window.",
        "{his} {grown} [hugged {him}|was waiting at the door]. \"[next time I will mark the path|I will not go so far alone again],\" said {name}.",
    ],
    "greedy": [
        DAY + ", there was a big feast at the {spot}. there was {food} for everyone. {name} was very hungry.",
        "\"[please take one piece each|there is enough for all],\" said {friend} the {fkind}. but when nobody was looking, {name} took [three|four|five|six] more.",
        "[soon|that evening] {his} stomach began to hurt. \"oh, oh,\" {he} groaned. {friend} came to see {him}.",
        "\"I ate too much,\" said {name}. \"[and some got nothing because of me|I am sorry].\" {friend} made {him} a cup of [mint|warm] tea.",
        "the next day {name} [made|brought] {food2} for all the others. {he} took only one piece, and it tasted [better than all the rest|very good].",
        "[{name} had learned that enough is as good as a feast.|\"one is enough,\" said {name}.]",
    ],
    "build": [
        DAY + ", {name} and {friend} the {fkind} [decided|wanted] to build a {project}. they gathered [wood|sticks and string|old boards and nails].",
        "{name} worked very fast, but the {project} [fell apart|broke]. \"[it is no use|bad luck]!\" {he} said.",
        "\"let us make a plan first,\" said {friend}. {fhe} drew a picture [in the sand|on a piece of paper]. \"[you hold it, and I will tie it|first the big parts, then the small ones].\"",
        "this time they worked slowly and [helped each other|checked every knot]. [by noon|before sunset], the {project} was ready.",
        "it was [strong|beautiful] and {colour}. [all the others came to look at it.|they tried it at once, and it worked.]",
        "\"[a good plan is half the work|two heads are better than one],\" said {name}.",
    ],
    "wish": [
        "one night {name} saw a falling star. it landed [softly|with a little flash] near the {spot}. {he} ran to look.",
        "\"[hello|good evening],\" said the star. \"you may make one wish.\" {name} thought of [toys|gold] and [cakes|sweets].",
        "then {he} remembered {friend} the {fkind}, who had been [ill|sad|lonely] for a long time. [\"could I wish for anything?\" {he} asked. \"anything,\" said the star.|it was a hard choice.]",
        "\"I wish that {friend} would be [well|happy] again,\" said {name}. the star [shone brightly|smiled], and then it was gone.",
        "in the morning {friend} knocked at the door. {fhe} was [laughing|full of joy]. \"[I feel so well today|let us go and play],\" {fhe} said.",
        "{name} never told anyone about the star. [but sometimes it winked at {him} from the sky.|it was {his} secret.]",
    ],
    "soup": [
        "it was a cold [day|evening], and {name} wanted to make soup. but {he} had only [one onion|one carrot|a pot of water].",
        "{friend} the {fkind} knocked at the door. \"I have two potatoes,\" {fhe} said. \"[may I join you|can we put them in]?\" \"Of course,\" said {name}.",
        "then the {neighbour} came with [a bunch of herbs|some beans], and [an old woman|a little boy] brought [salt|a piece of butter].",
        "they cut and stirred, and soon the whole house smelled [good|wonderful]. everyone got a full bowl.",
        "\"[alone I had almost nothing|this morning I had only a little],\" said {name}. \"together we have a feast.\"",
    ],
    "quarrel": [
        DAY + ", {name} and {friend} the {fkind} both wanted the {colour} {thing}. \"it is mine!\" said {name}. \"no, I had it first!\" said {friend}.",
        "they [pulled|pulled and pulled] until the {thing} [fell into the mud|broke in two]. now [nobody could use it|both of them were sad].",
        "they went home without a word. {name} sat [by the window|on the steps]. the {thing} did not matter any more, but {he} missed {friend}.",
        "so {he} went to {friend}'s house. {friend} was just coming out of the door. \"I am sorry,\" they both said at the same time, and then they [laughed|had to laugh].",
        "they [cleaned|mended] the {thing} together. \"[you may have it today, and I will have it tomorrow|let us take turns],\" said {friend}.",
    ],
    "noise": [
        "one night {name} heard a strange noise: [tap, tap, tap|scratch, scratch|hoo, hoo|creak, creak]. {he} pulled the blanket over {his} head.",
        "\"what if it is a [monster|ghost|giant]?\" {he} thought. but {name} was also curious. {he} took a {colour} lantern and [went to look|opened the door].",
        "the noise came from the [roof|cellar|garden|shed]. slowly {he} lifted the lantern, and there was {friend}, a tiny {fkind}!",
        "\"please do not be afraid of me,\" said {friend}. \"I was only looking for [a warm place|something to eat].\" {name} began to laugh. \"I thought that you were a [monster|giant]!\"",
        "{he} gave {friend} some {food} and a soft place to sleep. [after that, the noises of the night did not frighten {him} any more.|now {name} knew that most scary things are small when you look at them.]",
    ],
    "wind": [
        DAY + ", the wind took {name}'s {colour} {wear} and blew it [high into the air|far away]. \"come back!\" cried {name}, and {he} ran after it.",
        "the {wear} flew over the {spot} and [landed in|got stuck in] a tall tree. {name} jumped, but {he} could not reach it.",
        "{he} asked {friend} the {fkind} for help. \"I cannot [reach it|climb so high] alone,\" said {friend}, \"but [we can do it together|I have an idea].\"",
        "{name} stood on a [big stone|log], and {friend} stood on {his} shoulders. [they almost fell, but then|with a long stick] {friend} got the {wear} down.",
        "\"[thank you so much|we did it]!\" said {name}. the wind blew again, but this time {he} held on to {his} {wear} [tightly|with both hands].",
    ],
    "neighbour": [
        "the old {neighbour} lived alone next to {name}. " + DAY + ", {name} saw that the {neighbour} [could not carry the wood|had hurt his hand|looked tired].",
        "\"[let me do that for you|let me help you],\" said {name}. {he} [carried the wood|swept the floor|fetched water from the well] and fed the hens.",
        "{friend} the {fkind} came along too. with three of them, the work was [soon done|easy].",
        "the {neighbour} made tea and gave them {food}. then he told them a story about [a ship in a storm|a king who could not laugh|a wolf and the moon|the days when he was young].",
        "\"come again,\" said the {neighbour}. \"[the house is brighter when you are here|I have many more stories].\" and they came every {day}.",
    ],
    "snow": [
        "one morning everything was white. it had snowed all night! {name} [put on {his} {colour} {wear} and|] ran outside.",
        "{friend} the {fkind} was already there. \"let us build a snowman!\" {fhe} said. they rolled [three big balls|the snow into balls] and put them on top of each other.",
        "they used two [stones|nuts] for the eyes and a carrot for the nose. \"he looks cold,\" said {name}, and {he} gave the snowman {his} scarf.",
        "at night {name} looked out of the window. [it seemed to {him} that the snowman waved.|the snowman stood in the moonlight and smiled.]",
        "when spring came, the snowman melted, and {name} was sad. \"[he will come back next winter|he has only turned into water for the flowers],\" said {friend}.",
    ],
    "journey": [
        "{name} had never seen [the sea|the other side of the mountain|a big city]. \"[what is it like|is it far]?\" {he} asked {friend} the {fkind}. \"[come with me, and you will see|let us go and look],\" said {friend}.",
        "they packed {food} and [a map|a blanket] and left [at sunrise|early]. they walked for [two|three|four] days, over hills and through [woods|fields].",
        "on the way they [crossed an old bridge|slept under the stars|met a {neighbour} who gave them milk]. {his} feet hurt, but {name} did not [complain|stop].",
        "at last they stood [on the last hill|at the end of the road] and looked. \"oh!\" said {name}. {he} had no other words.",
        "\"was it worth the walk?\" asked {friend}. \"[yes, every step|I would walk it all again],\" said {name}.",
    ],
    "robot": [
        "{name} had a little robot called {friend}. {friend} could [sweep the floor|carry cups|count to one hundred], but it wanted to learn more.",
        DAY + ", {friend} tried to [make pancakes|water the flowers|set the table], but it [made a mess|got everything wrong]. \"I am a bad robot,\" it said.",
        "\"no,\" said {name}. \"You are only learning. look, I will show you.\" {he} showed it [slowly|again], and the robot watched [each step|closely].",
        "the second time it was better, and the third time it was [right|almost perfect]. [its lights blinked with joy.|\"I have learned it!\" said {friend}.]",
        "\"how did you know that I could do it?\" asked the robot. \"[because you tried again|everyone learns from mistakes],\" said {name}.",
    ],
    "market": [
        DAY + ", {name} went to the market with [ten|twelve|nine] coins. {his} {grown} needed {food} and a {thing}.",
        "on the way {he} met {friend} the {fkind}, who was crying. \"I have lost [two coins|my money],\" said {friend}, \"and I cannot buy [bread|milk] for my [brother|sister].\"",
        "{name} counted {his} coins. [if {he} was careful, there would be enough.|{he} could do without sweets.] {he} gave {friend} two of them.",
        "at the market, the {neighbour} had seen it all. \"[that was kind of you|you have a good heart],\" he said, and he put [an extra apple|a piece of cake] in {name}'s basket.",
        "{name} went home with everything {he} needed, and [with an apple too|the basket was heavy]. \"did you have enough money?\" asked {his} {grown}, and {name} told the whole story.",
    ],
    "sick": [
        "{friend} the {fkind} was sick and had to stay in bed. nobody came to play, and the day was very long.",
        "when {name} heard it, {he} [picked some flowers|made {food}|took a book] and went to see {fhim}. \"[I heard that you are sick|I have brought you something],\" {he} said.",
        "{friend} [smiled a little|sat up]. \"I feel [better already|less lonely now],\" {fhe} said. {name} [read a story|sang a song|played a quiet game] until {friend} fell asleep.",
        "{he} came back every day. [on the fourth day|after a week], {friend} was well again and could [run and jump|go outside].",
        "[the next month|some time later] it was {name} who was sick. and who do you think came with flowers? it was {friend}.",
    ],
    "mystery": [
        DAY + ", {name} [baked|made] a {cake} and put it [on the table|by the window] to cool. when {he} came back, half of it was gone!",
        "\"who has eaten my {cake}?\" asked {name}. {he} looked around and saw [crumbs on the floor|small footprints]. [they led to the garden.|{he} followed them out of the door.]",
        "{he} followed them past the [well|gate] and over the {spot}. the trail ended at a [little door|hollow tree|bush]. {name} heard someone [sniffing|crying softly].",
        "it was {friend}, a very small {fkind}. \"I am sorry,\" {fhe} said. \"It smelled so good, and [I was so hungry|I had not eaten for two days].\"",
        "\"you should have asked me,\" said {name}. \"I would have given you some.\" [then {he} had an idea. \"help me to bake more, and we will eat together.\"|{friend} nodded and promised to ask next time.]",
    ],
    "proud": [
        "{friend} the {fkind} was very proud. \"[I am the most beautiful of all|I am the cleverest in the whole valley|nobody sings as well as I do],\" {fhe} said every day.",
        "{name} did not say much. {he} [did {his} work|went on gathering wood] and listened.",
        DAY + ", {friend} looked at {fhimself} in the [pond|river] and leaned too far. splash! {Fhe} fell in and could not get out. \"help!\" {fhe} cried.",
        "{name} [held out a long branch|threw a rope] and pulled {fhim} out. {friend} was wet and [muddy|cold] and not proud at all.",
        "\"[thank you|you are better than I am],\" said {friend}. \"[I talk, but you help|What good is it to be proud].\" \"[everyone is good at something|come and get warm],\" said {name}.",
    ],
    "letter": [
        DAY + ", {name} found a bottle [at the {spot}|on the sand]. there was a letter inside. it said: \"[I live far away and I have no friends|I would like to have a friend]. please write to me. {friend}.\"",
        "{name} wrote an answer at once. {he} wrote about {his} home, about {his} {colour} {thing} and about [the weather|the birds in spring]. then {he} put the letter into the bottle and threw it into the water.",
        "weeks went by. every morning {name} went to look. [nothing.|there was nothing but waves.] \"[maybe it is lost|maybe nobody found it],\" {he} thought.",
        "then, on {day}, the bottle came back! \"dear {name},\" said the new letter, \"[I was so happy|I read your letter ten times]. I am a {ftrait} {fkind}, and I like {food}. do you?\"",
        "they wrote to each other all year long. [and in summer, {friend} came to visit.|so two who had never met became friends.]",
    ],
    "bird": [
        "in spring, a bird built a nest [above {name}'s door|in the tree outside {name}'s window]. soon there were [three|four|five] small eggs in it.",
        "\"may I touch them?\" asked {friend} the {fkind}. \"no,\" said {name}, \"we must only look. [the mother would be afraid|they need rest].\"",
        "one day the eggs [cracked|opened], and little birds came out. they were hungry all day long. the mother flew to and fro and brought [worms|flies].",
        "then the smallest one fell out of the nest. {name} [picked it up with a soft cloth|lifted it gently] and put it back. the mother bird watched from a branch.",
        "in summer the young birds flew away. [\"goodbye!\" called {name}.|the nest was empty, and {name} was a little sad.] but the next spring, the bird came back and sang [for {him}|at the window].",
    ],
    "bedtime": [
        "it was late, but {name} could not sleep. {he} turned to the left, and {he} turned to the right. [the moon was too bright.|the house was too quiet.]",
        "\"[count sheep|think of something nice],\" said {his} {grown}. {name} counted: one, two, three, four, five, six, seven. but {he} was still awake.",
        "then {friend} the {fkind} looked in at the window. \"I cannot sleep either,\" {fhe} said. \"[shall we look at the stars|let us listen to the night].\"",
        "they sat side by side. they heard [an owl|the river], the wind and [a far bell|the leaves]. the stars were [very bright|like little lamps].",
        "{friend} yawned. {name} yawned too. [when {his} {grown} came to look, both of them were fast asleep.|and before they could count to ten, they were asleep.]",
    ],
}

DAY_PAIRS = (("Monday", "Tuesday"), ("Tuesday", "Thursday"), ("Wednesday", "Friday"), ("Friday", "Sunday"))
PRONOUNS = {"m": ("he", "him", "his", "himself"), "f": ("she", "her", "her", "herself")}


def pronoun_slots(prefix, gender):
    forms = dict(zip(PRONOUNS["m"], PRONOUNS[gender]))
    slots = {prefix + key: value for key, value in forms.items()}
    slots.update({(prefix + key).capitalize(): value.capitalize() for key, value in forms.items()})
    return slots


def cast(rng, kind=None):
    """The words of one story: who, where, what; consistent through all its beats."""
    gender, friend_gender = rng.choice("mf"), rng.choice("mf")
    if kind is None and rng.random() < 0.5:
        name = rng.choice(GIRLS if gender == "f" else BOYS)
        hero = rng.choice(("little ", "young ", "")) + {"f": "girl", "m": "boy"}[gender]
    else:
        name, kind = rng.choice(PETS), kind or rng.choice(BEASTS)
        hero = rng.choice(("little ", "young ", "small ", "")) + kind
    friend = rng.choice([n for n in PETS if n != name])
    day, day2 = rng.choice(DAY_PAIRS)
    food, food2 = rng.sample(FOODS, 2)
    words = dict(
        name=name, a_hero="a " + hero, kind=kind or hero, friend=friend,
        fkind=rng.choice([b for b in BEASTS if b != kind]),
        trait=rng.choice(TRAITS), ftrait=rng.choice(TRAITS), home=rng.choice(PLACES), hobby=rng.choice(HOBBIES),
        spot=rng.choice(SPOTS), thing=rng.choice(THINGS), colour=rng.choice(COLOURS), food=food, food2=food2,
        skill=rng.choice(SKILLS), fear=rng.choice(FEARS), grown=rng.choice(GROWN), neighbour=rng.choice(NEIGHBOURS),
        weather=rng.choice(WEATHER), day=day, day2=day2, vase=rng.choice(("vase", "teapot", "lamp", "plate", "jug")),
        project=rng.choice(("tree house", "raft", "kite", "bridge", "hut", "swing", "cart")),
        wear=rng.choice(("hat", "scarf", "cap", "shawl")),
        cake=rng.choice(("apple pie", "honey cake", "berry tart", "nut cake", "cherry pie", "plum cake")))
    words.update(pronoun_slots("", gender))
    words.update(pronoun_slots("f", friend_gender))
    return words


def story(rng, kind=None, short=False):
    """One story; `kind` asks for an animal hero, `short` leaves out the extras."""
    words = cast(rng, kind)
    beats = list(rng.choice(list(PLOTS.values())))
    if not short and rng.random() < 0.4:
        beats.insert(rng.randrange(1, len(beats)), rng.choice(ASIDES))
    if rng.random() < 0.6:
        beats.append(rng.choice(ENDINGS))
    lines = [expand(rng, START, words)] + [expand(rng, beat, words) for beat in beats]
    if short or rng.random() < 0.6:
        return " ".join(lines)
    cut = rng.randrange(1, len(lines))
    return " ".join(lines[:cut]) + "\n\n" + " ".join(lines[cut:])
