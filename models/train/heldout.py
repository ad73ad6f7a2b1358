"""A test set of callers that no training has heard: espeak-ng voices of synth.HELD_OUT and the plain voice.

usage: heldout.py FOLDER [--seed 7] [--each 9] [--more]

Writes FOLDER/*.wav (8 kHz) and FOLDER/manifest.jsonl for evaluate.py. Speaking rates 130 to 220 words per minute.
"""

import argparse
import json
import os
import random
import wave

import synth
import textgen

VOICES = ["pt-br"] + ["pt-br+" + v for v in synth.HELD_OUT]
INTENTS = {
    "pagar": "quero pagar|quero pagar agora|vou pagar",
    "negociar": "quero negociar|quero fazer um acordo",
    "parcelar": "quero parcelar|dá pra parcelar|parcelado",
    "vista": "à vista|quero pagar à vista",
    "pago": "já paguei|eu já paguei essa conta|paguei ontem",
    "atendente": "atendente|quero falar com um atendente|falar com uma pessoa",
    "boleto": "boleto|quero o boleto|manda o boleto",
    "pix": "pix|quero pagar no pix|manda o pix",
    "contesta": "não reconheço essa dívida|não devo nada|essa dívida não é minha",
    "depois": "me liga mais tarde|liga amanhã|agora não posso falar",
    "repete": "repete por favor|pode repetir|não entendi",
    "engano": "foi engano|não conheço essa pessoa|número errado",
    "valor": "quanto é|qual é o valor|qual o desconto",
    "quem": "quem está falando|quem gostaria|de onde fala",
}
YES = "sim|é|isso|isso mesmo|sou eu|claro|com certeza|pode ser|quero|pode|está bom|ok|certo|correto|positivo|confirmo|aceito|concordo|beleza"
NO = "não|negativo|não quero|não posso|não sou eu|de jeito nenhum|agora não|errado|engano|não obrigado"


def grammar():
    """The intents as a rule of grammars_pt."""
    return "intent = " + " | ".join(f"({v}) {{{k}}}" for k, v in INTENTS.items()) + " ;"


def yes_no(r):
    yes = r.random() < 0.5
    return r.choice((YES if yes else NO).split("|") + ["sim" if yes else "não"] * 5), "sim" if yes else "nao"


def three_digits(r):
    d = [r.randrange(10) for _ in range(3)]
    return " ".join(textgen.dig(r, x) for x in d), " ".join(map(str, d))


def date(r):
    k, n = r.random(), r.randint(1, 31)
    if k < 0.5:
        return f"dia {textgen.num(n)}", str(n)
    if k < 0.75:
        m = r.randrange(12)
        return f"dia {textgen.num(n)} de {textgen.MONTHS[m]}", f"{n} m{m + 1}"
    w = r.randrange(7)
    name = r.choice([textgen.DAYS, textgen.SHORT_DAYS])[w].replace("-", " ")
    return r.choice(["", "próxima " if w < 5 else "próximo "]) + name, f"d{(w + 1) % 7}"


def instalments(r):
    n = r.randint(1, 24)
    words = textgen.fem(textgen.num(n))
    return r.choice(["em {} vezes", "{} vezes", "quero {} parcelas", "{} parcelas", "pode ser em {} vezes"]).format(words), str(n)


def intent(r):
    name = r.choice(sorted(INTENTS))
    return r.choice(INTENTS[name].split("|")), name


def one_digit(r):
    d = r.randrange(10)
    return textgen.dig(r, d), str(d)


def money(r):
    n = r.choice([r.randint(20, 999), r.randint(2, 99) * 10, r.randint(1000, 9999)])
    return f"{textgen.num(n)} reais", f"{n}r"


MORE = {"digit": one_digit, "money": money}
TASKS = {"yesno": yes_no, "cpf3": three_digits, "date": date, "parc": instalments, "intent": intent}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--each", type=int, default=9, help="utterances per voice and task")
    p.add_argument("--more", action="store_true", help="single digits and amounts instead of the other tasks")
    a = p.parse_args()
    os.makedirs(a.folder, exist_ok=True)
    r, engine, n = random.Random(a.seed), synth.Espeak(), 0
    with open(os.path.join(a.folder, "manifest.jsonl"), "w", encoding="utf-8") as rows:
        for voice in VOICES:
            for task, make in (MORE if a.more else TASKS).items():
                for _ in range(a.each):
                    text, expect = make(r)
                    sound = synth.to_8k(engine.say(textgen.respelled(text), voice, r.randint(130, 220)), engine.rate)
                    name = f"{n:04}.wav"
                    with wave.open(os.path.join(a.folder, name), "wb") as w:
                        w.setparams((1, 2, 8000, 0, "NONE", ""))
                        w.writeframes(sound.tobytes())
                    rows.write(
                        json.dumps(dict(file=name, text=text, grammar=task, expect=expect, speaker=voice), ensure_ascii=False)
                        + "\n"
                    )
                    n += 1
    print(a.folder, n, "utterances")


if __name__ == "__main__":
    main()
