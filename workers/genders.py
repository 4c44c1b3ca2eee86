"""
Words for gender → Braze's letters. Pure.

What is not known is left out, never sent as null: that would wipe what Braze has.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

from functools import lru_cache
from typing import Any

from workers.flaws import Flawed
from workers.words import MAX_WORDS, plain

#: Distinct spellings remembered.
REMEMBERED = 5_000

#: No list of anybody else's has these words as forms use them. Letters that mean one gender in one language and the
#: other in the next (h, k, v, e) are none of them; m, f, o, n and p are Braze's own.
_WORDS = {
    "M": (
        "m|male|man|men|boy|masculine|mr|mister|he|mann|männlich|herr|junge|homme|masculin|garçon|monsieur|hombre|"
        "masculino|varón|señor|homem|rapaz|senhor|uomo|maschio|maschile|ragazzo|signore|mannelijk|jongen|heer|dhr|"
        "mężczyzna|męska|męski|pan|kille|manlig|mand|dreng|mandlig|gutt|mannlig|mies|poika|muž|mužský|muško|"
        "muškarac|muški|moški|erkek|bay|bărbat|férfi|мужской|мужчина|муж|м|чоловіча|чоловік|чоловічий|мъж|мъжки|"
        "άνδρας|άντρας|άρρεν|ذكر|رجل|זכר|גבר|男|男性|男士|男子|先生|남|남성|남자|पुरुष|ชาย|nam|pria|laki-laki|lelaki|vyras|"
        "vīrietis|mees|karlkyns|home"
    ),
    "F": (
        "f|female|woman|women|girl|feminine|mrs|ms|miss|she|w|frau|weiblich|mädchen|femme|féminin|fille|madame|"
        "mademoiselle|mujer|femenino|señora|señorita|mulher|feminino|rapariga|senhora|donna|femmina|femminile|"
        "ragazza|signora|vrouw|vrouwelijk|meisje|mevrouw|mevr|kobieta|żeńska|żeński|pani|kvinna|tjej|kvinnlig|"
        "kvinde|pige|kvindelig|kvinne|jente|kvinnelig|nainen|tyttö|žena|ženský|žensko|ženska|ženski|kadın|bayan|"
        "femeie|női|женский|женщина|жен|ж|жіноча|жінка|жіночий|жена|женски|γυναίκα|θήλυ|أنثى|امرأة|נקבה|אישה|女|女性|"
        "女士|女子|小姐|여|여성|여자|महिला|स्त्री|หญิง|wanita|perempuan|moteris|sieviete|naine|kvenkyns|kona|dona"
    ),
    "O": (
        "o|other|another|x|d|non-binary|nonbinary|non binary|enby|diverse|divers|genderqueer|gender queer|"
        "genderfluid|gender fluid|agender|intersex|third gender|another gender|other gender|nichtbinär|"
        "nicht-binär|nicht binär|andere|anderes|autre|non binaire|non-binaire|otro|otra|otro género|no binario|"
        "no binaria|outro|outra|não binário|não-binário|altro|non binario|non-binario|anders|niet-binair|"
        "non-binair|inna|inne|inny|niebinarna|niebinarny|annat|annan|icke-binär|ickebinär|andet|anden|ikke-binær|"
        "ikkebinær|annet|muu|muunsukupuolinen|jiné|jiný|nebinární|diğer|altul|altele|egyéb|другое|другой|інше|"
        "друго|άλλο|آخر|אחר|その他|其他|其它|기타|अन्य|อื่นๆ|khác|lainnya|lain-lain"
    ),
    "N": (
        "n|n/a|not applicable|nicht zutreffend|trifft nicht zu|sans objet|no aplica|não se aplica|non applicabile|"
        "niet van toepassing|nie dotyczy|ej tillämpligt|ikke relevant|ikke aktuelt|不适用|該当なし|해당 없음"
    ),
    "P": (
        "p|prefer not to say|prefer not to answer|prefer not to disclose|prefer not to tell|prefer not to share|"
        "i prefer not to say|i'd prefer not to say|i would prefer not to say|rather not say|i'd rather not say|"
        "i would rather not say|decline to answer|decline to say|decline to state|undisclosed|keine angabe|"
        "keine angaben|k.a.|möchte ich nicht angeben|möchte ich nicht sagen|préfère ne pas répondre|"
        "je préfère ne pas répondre|préfère ne pas dire|je préfère ne pas le dire|je préfère ne pas dire|"
        "ne souhaite pas répondre|ne se prononce pas|prefiero no decirlo|prefiero no decir|prefiero no responder|"
        "prefiero no contestar|prefiro não dizer|prefiro não responder|prefiro não informar|preferisco non dirlo|"
        "preferisco non rispondere|preferisco non specificare|zeg ik liever niet|wil ik niet zeggen|"
        "liever niet zeggen|wolę nie podawać|wolę nie mówić|nie chcę podawać|vill inte ange|vill ej ange|"
        "vill inte uppge|vill ikke oplyse|ønsker ikke at oplyse|ønsker ikke å oppgi|vil ikke oppgi|"
        "en halua kertoa|en halua sanoa|nechci uvést|nechci uvádět|belirtmek istemiyorum|"
        "söylememeyi tercih ederim|prefer să nu spun|prefer să nu răspund|nem szeretném megadni|"
        "inkább nem mondom meg|не хочу указывать|предпочитаю не указывать|предпочитаю не отвечать|"
        "προτιμώ να μην απαντήσω|προτιμώ να μην πω|أفضل عدم القول|أفضل عدم الإجابة|"
        "回答しない|答えたくない|無回答|不愿透露|不願透露|不便透露|保密|밝히고 싶지 않음|응답하지 않음|답변하지 않음"
    ),
}
#: Without its accent this Hungarian word for a woman is a no.
_WITH_ACCENT = {"nő": "F"}
_LETTERS = {plain(word): letter for letter, words in _WORDS.items() for word in words.split("|")}


def gender(value: Any) -> Any:
    """M, F, O, N or P, from the letter or a word for it in the languages that forms are written in."""
    found = _gender(value) if isinstance(value, str) and len(value) <= MAX_WORDS else None
    return found or Flawed("gender_unknown")


@lru_cache(REMEMBERED)
def _gender(written: str) -> str | None:
    return _LETTERS.get(plain(written)) or _WITH_ACCENT.get(written.strip().lower())
