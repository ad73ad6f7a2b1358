"""What callers say to a collection agent, made up: the texts of the formant voices.

Every generator takes a random.Random. In its answer commas tell a synthesiser where to pause; `spoken` and `clean` make
of it what is said and what is written. Lists of words and phrases: vocabulary.txt, phrases.txt (`NAME: one | two`).
"""

import os
import random
import re

UNITS = "zero um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove".split()
TENS = dict(enumerate("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa".split(), 2))
HUNDREDS = dict(
    enumerate("cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos".split(), 1)
)
MONTHS = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()
SHORT_DAYS = "segunda terça quarta quinta sexta sábado domingo".split()
DAYS = [d + "-feira" for d in SHORT_DAYS[:5]] + SHORT_DAYS[5:]
ORDINALS = "primeiro segundo terceiro quarto quinto sexto sétimo oitavo nono décimo".split()
# How a synthesiser must be told to read what is not spelled as it sounds; [[ ]] holds phonemes of espeak-ng.
RESPELLED = dict((k, v.replace("_", " ")) for k, v in (pair.split("=") for pair in """
cpf=cê_pê_éfe cnpj=cê_ene_pê_jota sms=ésse_eme_ésse pix=pics whatsapp=uótzápi zap=zápi e-mail=iméiu
inss=i_ene_ésse_ésse spc=ésse_pê_cê procon=prócon serasa=serása qr=quê_érre code=côde link=línqui gmail=gemêiu
site=sáiti chip=chípi ok=oquêi internet=internéti online=onlaine uhum=[[u~h'u~]] aham=[[&~h'&~]]
""".split()))
UNSPEAKABLE = {"arrã", "hã", "ã", "eh", "online"}  # a synthesiser cannot be trusted with them


def lists(name):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, encoding="utf-8") as f:
        pairs = [line.rstrip("\n").split(": ", 1) for line in f]
    return {k: v.split(" | ") for k, v in pairs}


WORDS = lists("vocabulary.txt")
YES = [p for p in WORDS["SIM"] if p not in UNSPEAKABLE]
NO, INTENTS, VOICEMAIL = WORDS["NAO"], WORDS["INTENCAO"], WORDS["CAIXA_POSTAL"]
FIRST, LAST, SHORT, LETTERS = WORDS["NOME"], WORDS["SOBRENOME"], WORDS["CURTA"], WORDS["LETRA"]
PHRASES = [p for group in lists("phrases.txt").values() for p in group if not set(p.split()) & UNSPEAKABLE]


def one(r, choices):
    return r.choice(choices.split("|"))


def weighted(r, *options):
    """(limit, function) ...: the first whose limit is above a draw from 0 to 1."""
    k = r.random()
    return next(f for limit, f in options if k < limit)()


def num(n):
    """0 to 999 999 in words, masculine."""
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10] + (" e " + UNITS[n % 10] if n % 10 else "")
    if n == 100:
        return "cem"
    if n < 1000:
        return HUNDREDS[n // 100] + (" e " + num(n % 100) if n % 100 else "")
    q, r = divmod(n, 1000)
    h = "mil" if q == 1 else num(q) + " mil"
    return h if not r else h + (" e " if r < 100 or r % 100 == 0 else " ") + num(r)


def fem(s):
    return re.sub(r"\bdois\b", "duas", re.sub(r"\bum\b", "uma", s)).replace("entos", "entas")


def dig(r, d):
    return ("meia" if r.random() < 0.5 else "seis") if d == 6 else UNITS[d]


def tenth(r, a, b):
    """Two digits as one number."""
    return num(a * 10 + b) if a else "zero " + dig(r, b)


def groups(r, ds):
    """Digits said singly, in pairs, in hundreds, or mixed with repeats ("dois noves")."""
    out, i, style = [], 0, r.random()
    while i < len(ds):
        left = len(ds) - i
        if style < 0.5 or left == 1:
            out, i = out + [dig(r, ds[i])], i + 1
        elif style < 0.7:
            out, i = out + [tenth(r, ds[i], ds[i + 1])], i + 2
        elif style < 0.85 and left >= 3 and ds[i]:
            out, i = out + [num(ds[i] * 100 + ds[i + 1] * 10 + ds[i + 2])], i + 3
        elif ds[i] == ds[i + 1] and r.random() < 0.5:
            out, i = out + ["dois " + UNITS[ds[i]] + ("s" if ds[i] not in (2, 3, 6) else "")], i + 2
        elif ds[i] and r.random() < 0.4:
            out, i = out + [num(ds[i] * 10 + ds[i + 1])], i + 2
        else:
            out, i = out + [dig(r, ds[i])], i + 1
    return out


def digits(r, n):
    """n digits with pauses between groups."""
    out = groups(r, [r.randrange(10) for _ in range(n)])
    if n >= 6 and r.random() < 0.3:
        out.insert(r.randint(1, len(out) - 1), one(r, "ponto|traço|dígito|final"))
    size = r.choice([1, 2, 3, 3, 4, 99])
    return "".join(w + (", " if k % size == 0 else " ") for k, w in enumerate(out, 1)).rstrip(" ,")


def cpf(r):
    k = r.random()
    if k < 0.4:
        return digits(r, 11)
    if k < 0.7:
        return one(r, "meu cpf é |o cpf é |cpf |começa com |é |os três primeiros são |termina com ") + digits(
            r, r.choice([3, 3, 3, 2, 4, 11])
        )
    return digits(r, 3)


def phone(r):
    area = r.choice(["onze", "vinte e um", "trinta e um", "quarenta e um", "zero onze", "dê dê dê onze", num(r.randint(11, 99))])
    number = area + ", nove " + digits(r, 4) + ", " + digits(r, 4)
    return one(r, "||meu número é |o telefone é |anota aí, |o celular dele é ") + number


def time_of_day(r):
    h, k = r.randint(0, 23), r.random()
    if k < 0.15:
        return one(r, "meio-dia|meia-noite|meio-dia e meia|ao meio-dia|depois do meio-dia")
    if k < 0.5:
        return one(r, "às ||depois das |até as |lá pelas ") + fem(num(h)) + (" hora" if h == 1 else " horas")
    if k < 0.75:
        return (
            one(r, "às |")
            + fem(num(h))
            + " e "
            + r.choice(["meia", "quinze", "dez", "vinte", "quarenta", "cinco", num(r.randint(1, 59))])
        )
    return (
        one(r, "às |")
        + fem(num(r.randint(1, 12)))
        + one(r, "| e meia| e quinze| horas")
        + one(r, " da manhã| da tarde| da noite")
    )


def date(r):
    """A day in one of thirteen ways of saying it."""
    d, m = r.randint(1, 31), r.choice(MONTHS)
    f = r.randrange(13)
    ds = "primeiro" if d == 1 and r.random() < 0.8 else num(d)
    return [
        lambda: f"dia {ds}",
        lambda: f"{ds} de {m}",
        lambda: f"dia {ds} de {m}",
        lambda: f"{ds} de {m} de {num(r.choice([r.randint(1945, 2010), r.randint(2020, 2030)]))}",
        lambda: f"{ds} de {m} de {num(r.randint(45, 99))}",
        lambda: ("dia " if r.random() < 0.5 else "")
        + f"{ds} do {num(r.randint(1, 12))}"
        + (f" de {num(r.randint(50, 99))}" if r.random() < 0.3 else ""),
        lambda: one(r, "na ||próxima |nessa |só na |até ") + r.choice(DAYS[:5]),
        lambda: r.choice(SHORT_DAYS)
        + one(r, f"| que vem|, dia {num(d)}| da semana que vem| agora|, {ds} de {m}| à tarde| de manhã"),
        lambda: one(
            r,
            "quinto dia útil|no quinto dia útil|até o quinto dia útil|no quinto dia útil do mês que vem|"
            f"no {r.choice(ORDINALS)} dia útil|no último dia do mês|no último dia útil",
        ),
        lambda: (
            f"daqui a {num(r.randint(2, 30))} dias"
            if r.random() < 0.7
            else one(r, "daqui a uma semana|daqui a duas semanas|daqui a um mês")
        ),
        lambda: one(r, "depois do dia |até o dia |lá pelo dia |só no dia |entre o dia cinco e o dia |no dia ") + num(d),
        lambda: one(
            r,
            "hoje|amanhã|depois de amanhã|ontem|anteontem|hoje à tarde|amanhã cedo|amanhã de manhã|semana que vem|mês que vem|"
            f"no começo do mês|no fim do mês|fim de semana|ano que vem|na outra semana|no próximo mês|em {m}|até {m}",
        ),
        lambda: r.choice(MONTHS),
    ][f]()


def amount(r):
    k = r.random()
    low, high = (1, 99) if k < 0.3 else (100, 999) if k < 0.65 else (1000, 9999) if k < 0.93 else (10000, 200000)
    v = r.randint(low, high)
    return v // 10 * 10 or 10 if r.random() < 0.35 else v


def money(r):
    v, k = amount(r), r.random()
    if k < 0.08:
        return one(
            r,
            "cem conto|cem pila|cinquenta conto|duzentão|cinquentinha|um pau|dois paus|mil conto|mil e duzentos|dois e quinhentos|"
            "metade|cento e vinte por mês|uns trezentos|trezentos e pouco|meio por cento|dois por cento|dez por cento de desconto|"
            "cinquenta por cento",
        )
    s = num(v)
    if k > 0.25:
        s += " reais" if v > 1 else " real"
    if r.random() < 0.3:
        s += " e " + num(r.randint(1, 99)) + (" centavos" if r.random() < 0.8 else "")
    return one(r, "||||dou |consigo |só posso |pago |entrada de |parcela de |o valor é |são |até ") + s


def instalments(r):
    s = fem(num(r.choice([r.randint(1, 12), r.randint(2, 36)])))
    each, down = num(r.randint(30, 900)), num(r.randint(2, 50) * 10)
    return one(
        r,
        "em {} vezes|{} vezes|{} parcelas|quero em {} parcelas|{}|parcelar em {} vezes|pode ser em {} vezes|divide em {}|"
        "faz em {} vezes|prefiro {} parcelas|dá pra fazer em {} vezes|só em {} vezes|"
        f"{{}} parcelas de {each} reais|entrada de {down} e mais {{}} parcelas",
    ).format(s)


def full_name(r):
    f, k = r.choice(FIRST), r.random()
    if k < 0.35:
        return f
    if k < 0.7:
        return f"{f} {r.choice(LAST)}"
    if k < 0.8:
        return f"{f} {r.choice(FIRST)} {r.choice(LAST)}"
    return f"{f} {r.choice(LAST)} {one(r, 'de |da |dos |')}{r.choice(LAST)}"


def name(r):
    n = full_name(r)
    return (
        one(
            r,
            "|||meu nome é |aqui é |eu sou |quem fala é |quero falar com |é a casa de |não é |o nome completo é |sim, é |a senhora |o senhor ",
        )
        + n
    )


def mix(r):
    """An interjection and an answer."""
    a = one(r, "sim|não|é|tá|tá bom|olha|então|bom|ah|oi|alô|isso|certo|claro|pois é|moça|espera|não não|sim sim|opa|peraí")
    kinds = [YES, NO, INTENTS, PHRASES, date, money, instalments]
    kind = r.choice(kinds)
    b = r.choice(kind) if isinstance(kind, list) else kind(r)
    s = a + r.choice([", ", " ", ", "]) + b
    if r.random() < 0.15:
        s += one(r, ", viu|, tá|, por favor|, moça|, obrigado|, obrigada|, né")
    return s


def domain(r):
    return weighted(
        r,
        (0.15, lambda: digits(r, r.choice([1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8]))),
        (0.19, lambda: cpf(r)),
        (0.22, lambda: phone(r)),
        (0.30, lambda: num(r.choice([r.randint(0, 99), r.randint(0, 100), r.randint(0, 999), r.randint(0, 9999)]))),
        (0.40, lambda: date(r)),
        (0.43, lambda: time_of_day(r)),
        (0.50, lambda: money(r)),
        (0.55, lambda: instalments(r)),
        (0.60, lambda: name(r)),
        (0.67, lambda: r.choice(YES)),
        (0.73, lambda: r.choice(NO)),
        (0.80, lambda: r.choice(INTENTS)),
        (0.90, lambda: r.choice(PHRASES)),
        (0.915, lambda: r.choice(VOICEMAIL)),
        (0.925, lambda: " ".join(r.choice(LETTERS) for _ in range(r.randint(1, 4)))),
        (1.0, lambda: mix(r)),
    )


def three_digits(r):
    """Three digits of a CPF, as asked for in the identification."""
    d = [r.randrange(10) for _ in range(3)]
    k = r.random()
    if 0.6 <= k < 0.75 and d[0]:
        s = [num(d[0] * 100 + d[1] * 10 + d[2])]
    elif k < 0.75:
        s = [dig(r, x) for x in d]
    elif k < 0.88:
        s = [dig(r, d[0]), tenth(r, d[1], d[2])]
    else:
        s = [tenth(r, d[0], d[1]), dig(r, d[2])]
    s = r.choice([" ", " ", ", "]).join(s)
    lead = "||||||||é |são |os três primeiros são |meu cpf começa com |começa com |os números são |é o |tá, |anota aí, "
    return one(r, lead) + s


def day(r):
    """The day somebody will pay on."""
    n = r.randint(1, 31)
    d = "primeiro" if n == 1 and r.random() < 0.8 else num(n)
    return weighted(
        r,
        (
            0.55,
            lambda: one(
                r, "dia |dia |dia |no dia |pode ser dia |só dia |até dia |pro dia |para o dia |quero dia |bota dia |lá pelo dia |"
            )
            + d,
        ),
        (0.70, lambda: f"dia {d} de {r.choice(MONTHS)}"),
        (
            0.92,
            lambda: one(r, "||na |até |só na |pode ser na |na próxima ")
            + r.choice(DAYS + SHORT_DAYS)
            + one(r, "||| que vem| agora| de manhã| à tarde"),
        ),
        (1.0, lambda: one(r, "hoje|amanhã|depois de amanhã|hoje mesmo|amanhã cedo|semana que vem|mês que vem")),
    )


def answer(r):
    """An answer to a question of the agent."""
    return weighted(
        r,
        (0.24, lambda: three_digits(r)),
        (0.44, lambda: day(r)),
        (0.60, lambda: instalments(r)),
        (0.72, lambda: r.choice(["sim", "sim", "não", "não"] + YES)),
        (0.82, lambda: r.choice(NO)),
        (0.92, lambda: r.choice(INTENTS)),
        (1.0, lambda: r.choice(PHRASES)),
    )


def clean(s):
    """Lower case, words only: the transcript."""
    return " ".join(re.sub(r"[^a-zà-ÿ' -]", " ", s.lower()).split())


def respelled(s):
    """What the synthesiser is given. A lone "é" would be read as the name of the letter."""
    if s == "é":
        return "eh"
    return " ".join(re.sub(r"[a-zà-ÿ-]+", lambda m: RESPELLED.get(m[0], m[0]), w) for w in s.split())


def spoken(r, s):
    """The same with an intonation."""
    return respelled(s) + r.choice([".", ".", ".", ".", "?", "?", "!", ",", "..."])


def caller(r):
    """(to say, transcript): answers, then the domain at large, then isolated short words."""
    k = r.random()
    make = answer if k < 0.55 else domain if k < 0.82 else lambda r: r.choice(SHORT)
    s = make(r)
    while set(clean(s).split()) & UNSPEAKABLE:
        s = make(r)
    return spoken(r, s), clean(s)


def main():
    r = random.Random(1)
    for _ in range(60):
        print(*caller(r), sep=" | ")


if __name__ == "__main__":
    main()
