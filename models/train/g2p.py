"""Brazilian Portuguese letters -> coarse phones, for CTC labels (train) and lexicon (decode).

The program has the same rules in src/language/g2p.rs; a change here must be made there, and the other way round.
Open and closed e, o are one phone each: rules cannot tell them apart reliably and no pair of domain words needs it.

Phones:  a e i o u  A E I O U (nasal)  y w (glides)
         p b t d k g f v s z S(ch) Z(j) c(t before i) j(d before i) m n N(nh) l L(lh) r(tap/coda) R(strong)
"""

import re
import sys
import unicodedata

PHONES = list("aeiouAEIOUywpbtdkgfvszSZcjmnNlLrR")
PID = {p: i + 1 for i, p in enumerate(PHONES)}  # 0 = CTC blank
N_OUT = len(PHONES) + 1

# What the rules get wrong, spelling=phones.
EXC = dict(pair.split("=") for pair in """
e=i o=u os=us a=a as=as um=U uns=Us uma=uma que=ki se=si me=mi te=ci de=ji do=du da=da dos=dus das=das no=nu nos=nus
na=na por=por com=kO sem=sEy em=Ey lhe=Li muito=mUytu muita=mUyta muitos=mUytus muitas=mUytas mui=mUy
próximo=prosimu próxima=prosima máximo=masimu táxi=taksi fixo=fiksu fixa=fiksa trouxe=trosi auxílio=awsiliu
sexo=seksu tóxico=toksiku anexo=aneksu conexão=koneksAw cinquenta=sIkwEta frequente=frekwEci tranquilo=trAkwilu
sequência=sekwEsia consequência=kOsekwEsia pix=piks boleto=boletu sms=esiemiesi whatsapp=watsapi email=imeyw
e-mail=imeyw ok=okey cpf=sepeefi cnpj=seenipeZota rg=eReZe cep=sepi site=sayci net=neci internet=Iterneci tv=teve
fax=faks hein=Ey psiu=psiw uhum=UU aham=aA ãhã=AA ruim=RuI dois=doys seis=seys trezentos=trezEtus duzentos=duzEtus
link=lIki zap=zapi chip=Sipi inss=ieniesiesi spc=esipese gmail=Zemeyw qr=keeRi
""".split())

VOW = "aeiouáâãàéêíóôõúü"
ACC = {"á": "a", "â": "a", "à": "a", "ã": "A", "é": "e", "ê": "e", "í": "i", "ó": "o", "ô": "o", "õ": "O", "ú": "u", "ü": "u"}
NAS = {"a": "A", "e": "E", "i": "I", "o": "O", "u": "U"}
VOICED = set("bdgvzZmnlLrRj")


def word(w):
    w = w.lower().strip("-'")
    if w in EXC:
        return EXC[w]
    if "-" in w:
        return "".join(word(p) for p in w.split("-") if p)
    w = "".join(c for c in unicodedata.normalize("NFC", w) if c.isalpha())
    w = w.replace("y", "i").replace("w", "u").replace("ñ", "nh")
    if not w:
        return ""
    n = len(w)
    accented = any(c in "áâãéêíóôõú" for c in w)
    o = []
    i = 0
    while i < n:
        c = w[i]
        nx = w[i + 1] if i + 1 < n else ""
        nn = w[i + 2] if i + 2 < n else ""
        last = i == n - 1
        if c in VOW:
            base = ACC.get(c, c)
            acc = c in ACC and c not in "àü"
            # nasal by following m/n in coda
            if base not in "AO" and nx in ("m", "n") and (nn == "" or (nn not in VOW and not (nx == "n" and nn == "h"))):
                # word-final 'ns' / 'm' / 'n'
                v = NAS[base]
                end = i + 2 >= n or w[i + 2 :] == "s"
                if base == "e" and end:
                    o += ["E", "y"]
                elif base == "a" and end and nx == "m":
                    o += ["A", "w"]
                else:
                    o.append(v)
                i += 2
                continue
            if c == "ã":
                if nx == "o":
                    o += ["A", "w"]
                    i += 2
                    continue
                if nx == "e":
                    o += ["A", "y"]
                    i += 2
                    continue
                if nx in ("m", "n") and nn and nn not in VOW:
                    o.append("A")
                    i += 2
                    continue
                o.append("A")
                i += 1
                continue
            if c == "õ":
                if nx == "e":
                    o += ["O", "y"]
                    i += 2
                    continue
                o.append("O")
                i += 1
                continue
            # diphthongs (second letter unaccented i/u not followed by nasal coda or nh)
            if base in "aeou" and nx in ("i", "u") and nx != base:
                nasal_next = nn in ("m", "n") and (i + 3 >= n or w[i + 3] not in VOW or w[i + 3 : i + 4] == "h")
                hiatus = (
                    nn == "z"
                    and i + 3 >= n
                    or nn == "r"
                    and i + 3 >= n
                    or nn == "l"
                    and i + 3 >= n
                    or (nn == "n" and w[i + 3 : i + 4] == "h")
                )
                if not nasal_next and not hiatus:
                    if base == "o" and nx == "u":
                        o.append("o")
                    else:
                        o += [base, "y" if nx == "i" else "w"]
                    i += 2
                    continue
            if base == "i" and nx == "u" and (i + 2 >= n or w[i + 2 :] == "s"):
                o += ["i", "w"]
                i += 2
                continue
            # final unstressed e/o
            fin = last or (i == n - 2 and nx == "s")
            if fin and not acc and base in "eo" and n > 1:
                base = "i" if base == "e" else "u"
            # palatalisation is applied to the consonant afterwards
            o.append(base)
            i += 1
            continue
        if c == "h":
            i += 1
            continue
        if c == "c":
            if nx == "h":
                o.append("S")
                i += 2
                continue
            if nx in tuple("eiéêí"):
                o.append("s")
            elif nx == "c" and nn in tuple("ei"):
                o += ["k", "s"]
                i += 2
                continue
            else:
                o.append("k")
        elif c == "ç":
            o.append("s")
        elif c == "g":
            if nx == "u" and nn in tuple("eiéêí"):
                o.append("g")
                i += 2
                continue
            if nx == "u" and nn in tuple("aoáãâó"):
                o += ["g", "w"]
                i += 2
                continue
            if nx in tuple("eiéêí"):
                o.append("Z")
            else:
                o.append("g")
        elif c == "q":
            if nx == "u" and nn in tuple("eiéêí"):
                o.append("k")
                i += 2
                continue
            if nx in "uü" and nx:
                o += ["k", "w"]
                i += 2
                continue
            o.append("k")
        elif c == "j":
            o.append("Z")
        elif c == "l":
            if nx == "h":
                o.append("L")
                i += 2
                continue
            if nx == "" or nx not in VOW:
                if nx == "l":
                    i += 1
                else:
                    o.append("w")
            else:
                o.append("l")
            if nx == "l":
                o.append("l") if not (o and o[-1] == "l") else None
                i += 1
                continue
        elif c == "n":
            if nx == "h":
                o.append("N")
                i += 2
                continue
            o.append("n")
        elif c == "m":
            o.append("m")
        elif c == "r":
            if nx == "r":
                o.append("R")
                i += 2
                continue
            prev = w[i - 1] if i else ""
            if i == 0 or prev in ("n", "l", "s"):
                o.append("R")
            else:
                o.append("r")
        elif c == "s":
            prev = w[i - 1] if i else ""
            if nx == "s":
                o.append("s")
                i += 2
                continue
            if nx == "c" and nn in tuple("eiéêí"):
                o.append("s")
                i += 2
                continue
            if nx == "ç":
                o.append("s")
                i += 2
                continue
            if nx == "h":
                o.append("S")
                i += 2
                continue
            if prev and prev in VOW and nx and nx in VOW:
                o.append("z")
            elif w[max(0, i - 4) : i] == "tran" and nx and nx in VOW:
                o.append("z")
            elif nx and nx in "bdgvmnlrj":
                o.append("z")
            else:
                o.append("s")
        elif c == "x":
            prev = w[i - 1] if i else ""
            if i == 1 and prev == "e" and nx and nx in VOW:
                o.append("z")
            elif nx == "c" and nn in tuple("eiéêí"):
                o.append("s")
                i += 2
                continue
            elif nx and nx not in VOW:
                o.append("s")
            elif nx == "":
                o += ["k", "s"]
            else:
                o.append("S")
        elif c == "z":
            o.append("s" if nx == "" else "z")
        elif c == "p":
            if nx == "h":
                o.append("f")
                i += 2
                continue
            o.append("p")
        elif c == "t":
            if nx == "t":
                i += 1
                continue
            o.append("t")
        elif c == "k":
            o.append("k")
        elif c in "bdfv":
            o.append(c)
        i += 1
    # palatalise t,d before phone i / I
    for k in range(len(o) - 1):
        if o[k + 1] in "iI":
            if o[k] == "t":
                o[k] = "c"
            elif o[k] == "d":
                o[k] = "j"
    return "".join(o)


def phones(text):
    return [word(w) for w in re.findall(r"[a-zà-ÿ'-]+", text.lower()) if word(w)]


# Words with reductions of their own, spelling=phones|phones.
CASUAL = {k: set(v.split("|")) for k, v in (pair.split("=") for pair in """
não=nAw|nU|nO está=ista|ta|esta estou=isto|to|esto você=vose|se|vosey três=tres|treys dez=des|deys seis=seys|ses
dois=doys nove=novi sim=sI|sIy meia=meya quatro=kwatru|kwatu para=para|pra|pa cinco=sIku um=U|Um quero=keru
pagar=pagar|paga|pagaR dezesseis=dezeseys|dizeseys dezessete=dezeseci|dizeseci|dezesete dezoito=dezoytu|dizoytu
dezenove=dezenovi|dizenovi cinquenta=sIkwEta sessenta=sesEta oito=oytu|oyto sete=seci|sete|sec vinte=vIci|vIte|vIc
zero=zeru aham=ara|ala ahã=ara|ala uhum=uU|oU|uA
""".split())}


def variants(w):
    """Pronunciation alternatives of a word (dialect / casual), for the decoding lexicon."""
    base = word(w)
    out = {base}

    def add(f):
        for b in list(out):
            out.add(f(b))

    add(lambda b: b[:-1] if b.endswith("r") and len(b) > 3 else b)  # falar -> fala
    add(lambda b: re.sub(r"r(?=[ptkbdgfvszSZcjmnlLNR]|$)", "R", b))  # carioca / northern coda r
    add(lambda b: re.sub(r"s(?=$|[ptkfcsS])", "S", b))  # hushing coda s
    add(lambda b: b.replace("c", "t").replace("j", "d") if re.search("[cj][iI]", b) else b)  # no palatalisation
    add(lambda b: b.replace("ey", "e") if re.search("ey[rZS]", b) else b)  # dinheiro, primeiro
    add(lambda b: re.sub(r"O(?=$)", "Ow", b))
    if base.endswith("is") and len(base) > 3:
        out.add(base)
    out |= CASUAL.get(w, set())
    return sorted(x for x in out if x)


def main():
    for text in sys.argv[1:]:
        print(text, "->", " ".join(phones(text)))


if __name__ == "__main__":
    main()
