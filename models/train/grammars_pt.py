"""Domain grammars (tags carry the meaning)."""

D = """
digit = zero {0} | um {1} | uma {1} | dois {2} | duas {2} | três {3} | quatro {4} | cinco {5} | seis {6} | meia {6} | sete {7} | oito {8} | nove {9} ;
u = um {+1} | uma {+1} | dois {+2} | duas {+2} | três {+3} | quatro {+4} | cinco {+5} | seis {+6} | sete {+7} | oito {+8} | nove {+9} ;
teen = dez {+10} | onze {+11} | doze {+12} | treze {+13} | quatorze {+14} | catorze {+14} | quinze {+15} | dezesseis {+16} | dezessete {+17} | dezoito {+18} | dezenove {+19} ;
tens = vinte {+20} | trinta {+30} | quarenta {+40} | cinquenta {+50} | sessenta {+60} | setenta {+70} | oitenta {+80} | noventa {+90} ;
n99 = $u | $teen | $tens [e $u] ;
hund = cento {+100} | duzentos {+200} | trezentos {+300} | quatrocentos {+400} | quinhentos {+500} | seiscentos {+600} | setecentos {+700} | oitocentos {+800} | novecentos {+900} ;
n99f = $n99 | (uma {+1} | duas {+2}) | $tens e (uma {+1} | duas {+2}) ;
n999 = $n99 | cem {+100} | $hund [e $n99] ;
n9999 = $n999 | mil {+1000} [[e] $n999] | $u mil {*1000} [[e] $n999] ;
n100 = zero {+0} | $n99 | cem {+100} ;
month = janeiro {m1} | fevereiro {m2} | março {m3} | abril {m4} | maio {m5} | junho {m6} | julho {m7} | agosto {m8} | setembro {m9} | outubro {m10} | novembro {m11} | dezembro {m12} ;
wday = (segunda [feira]) {d1} | (terça [feira]) {d2} | (quarta [feira]) {d3} | (quinta [feira]) {d4} | (sexta [feira]) {d5} | sábado {d6} | domingo {d0} ;
n31 = primeiro {+1} | $u | $teen | (vinte {+20}) [e $u] | (trinta {+30}) [e um {+1}] ;
date = [dia] $n31 [(de $month) | (do $n12)] | [na | no | próxima | próximo] $wday [que vem] [dia $n31] | hoje {hoje} | amanhã {amanha} | depois de amanhã {depois} | ontem {ontem} ;
n12 = $u | dez {+10} | onze {+11} | doze {+12} ;
money = $n9999 (reais | real) {r} [e $n99 centavos {c}] | $n9999 ;
parc = [quero | pode ser | parcelar] [em] ($n99f) [vezes | parcelas] ;
yes = (sim | é | isso | isso mesmo | sou eu | claro | com certeza | pode ser | quero | pode | está bom | ok | certo | correto | positivo | confirmo | aceito | concordo | beleza) {sim} ;
no = (não | negativo | não quero | não posso | não sou eu | de jeito nenhum | agora não | errado | engano | não obrigado) {nao} ;
yesno = $yes | $no ;
strict = sim {sim} | não {nao} ;
digits = $digit+ ;
cpf = $digit<11> ;
cpf3 = $digit<3> ;
letter = á {a} | bê {b} | cê {c} | dê {d} | é {e} | efe {f} | gê {g} | agá {h} | i {i} | jota {j} | cá {k} | ele {l} | eme {m} | ene {n} | ó {o} | pê {p} | quê {q} | erre {r} | esse {s} | tê {t} | u {u} | vê {v} | dáblio {w} | xis {x} | ípsilon {y} | zê {z} ;
"""


def value(tags):
    """collapse number tags (+n adds, *1000 multiplies what precedes) into one number; keep other tags"""
    n = None
    rest = []
    for t in tags.split():
        if t[0] == "+":
            n = (n or 0) + int(t[1:])
        elif t == "*1000":
            n = (n or 0) * 1000
        elif t in ("r", "c"):
            rest.append((str(n) if n is not None else "") + t)
            n = None
        else:
            rest.append(t)
    return (str(n) if n is not None else "") + (" " if n is not None and rest else "") + " ".join(rest)
