"""Sentence generators for training speech: telephone collection domain, isolated short words, general Portuguese.

Every generator takes a random.Random and returns (say, text): `text` is normalised (lower case, words only),
`say` is what a synthesiser should be given (punctuation for prosody, respelled acronyms). kind is domain | short | general.
"""

import os, random, re

HERE = os.path.dirname(os.path.abspath(__file__))
U = "zero um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove".split()
T = {2: "vinte", 3: "trinta", 4: "quarenta", 5: "cinquenta", 6: "sessenta", 7: "setenta", 8: "oitenta", 9: "noventa"}
H = {
    1: "cento",
    2: "duzentos",
    3: "trezentos",
    4: "quatrocentos",
    5: "quinhentos",
    6: "seiscentos",
    7: "setecentos",
    8: "oitocentos",
    9: "novecentos",
}
MON = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()
DAY = ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"]
DAYS = ["segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"]
ORD = "primeiro segundo terceiro quarto quinto sexto sétimo oitavo nono décimo".split()


def num(n):
    if n < 20:
        return U[n]
    if n < 100:
        return T[n // 10] + (" e " + U[n % 10] if n % 10 else "")
    if n == 100:
        return "cem"
    if n < 1000:
        return H[n // 100] + (" e " + num(n % 100) if n % 100 else "")
    if n < 1000000:
        q, r = divmod(n, 1000)
        h = "mil" if q == 1 else num(q) + " mil"
        return h if not r else h + (" e " if r < 100 or r % 100 == 0 else " ") + num(r)
    return "um milhão"


def fem(s):
    return re.sub(r"\bdois\b", "duas", re.sub(r"\bum\b", "uma", s)).replace("entos", "entas")


YES = "sim|é|isso|isso mesmo|isso aí|sou eu|é ele|é ela|é ele mesmo|sou eu mesmo|sou eu mesma|claro|claro que sim|com certeza|pode ser|quero|quero sim|pode|pode sim|tá|tá bom|tá certo|está bom|ok|certo|correto|exato|positivo|confirmo|aceito|concordo|beleza|sim quero|sim pode ser|sim senhor|sim senhora|aham|uhum|fechado|fechou|perfeito|combinado|de acordo|é sim|isso sim|sim é isso|tudo bem|tudo certo|pode confirmar|confirmado|joia|bora|tranquilo|com certeza sim".split(
    "|"
)
NO = "não|não não|não quero|não é|não sou eu|não pode|não posso|negativo|de jeito nenhum|agora não|hoje não|não obrigado|não obrigada|não concordo|não aceito|errado|tá errado|não está certo|nada disso|não conheço|não é ele|não é ela|engano|foi engano|número errado|não dá|nem pensar|jamais|não senhor|não senhora|não por enquanto não|ainda não|acho que não|não é isso|não foi isso|não tá certo|isso não".split(
    "|"
)
INT = "quero pagar|quero pagar agora|quero negociar|quero parcelar|quero pagar à vista|à vista|parcelado|já paguei|eu já paguei essa conta|paguei ontem|não posso pagar agora|não tenho dinheiro|estou desempregado|estou desempregada|quero falar com um atendente|atendente|falar com uma pessoa|me passa para um atendente por favor|não reconheço essa dívida|não devo nada|quero o boleto|manda o boleto por sms|envia por e-mail|quero pagar no pix|pix|boleto|cartão de crédito|cartão|transferência|segunda via|segunda via do boleto|quero a segunda via|liga mais tarde|me liga depois|me liga amanhã|agora estou ocupado|agora não posso falar|ele não está|ela não está no momento|não mora mais aqui|repete por favor|pode repetir|não entendi|como é|o quê|quanto é|qual o valor|qual é o valor total|qual o desconto|tem desconto|está muito caro|é muito alto|qual empresa|quem está falando|quem é|do que se trata|tchau|obrigado|obrigada|muito obrigado|alô|bom dia|boa tarde|boa noite|um momento|só um minuto|espera um pouco|voltar|cancelar|ajuda|menu principal|sair|repetir|confirmar|corrigir|próximo|anterior|primeira opção|segunda opção|terceira opção|quarta opção|opção um|opção dois|opção três|opção quatro|opção cinco|amanhã|hoje|depois de amanhã|semana que vem|mês que vem|no fim do mês|no começo do mês|no dia do meu pagamento|quando eu receber|vou pensar|não tenho interesse|me tira da lista|linha digitável|código de barras|quanto falta|qual o vencimento|quero a menor parcela|aceito a proposta|não aceito a proposta|fecha o acordo|quero fechar o acordo|manda o link|manda no whatsapp|quem gostaria|quem deseja|quem gostaria de falar|alô quem fala|pois não|pronto|pode falar|fala|oi|oi tudo bem".split(
    "|"
)
VMAIL = "sua chamada está sendo encaminhada para a caixa postal e estará sujeita à cobrança após o sinal|grave seu recado após o sinal|grave seu recado após o bipe|deixe sua mensagem após o sinal|deixe seu recado|o número chamado não existe|o número que você ligou não existe|o número discado não está disponível no momento|o telefone chamado está desligado ou fora da área de cobertura|este telefone está programado para não receber ligações|este número está temporariamente indisponível|este número não pode receber esta chamada|o cliente está ocupado em outra ligação|você ligou para a caixa postal de|no momento não posso atender|não posso atender agora deixe seu recado que eu retorno|todos os nossos atendentes estão ocupados aguarde na linha|diga seu nome e o motivo da ligação|a pessoa com quem você quer falar usa um serviço de filtro de chamadas|após o sinal grave a sua mensagem|chamada encaminhada|caixa postal cheia|tecle um para gravar ou desligue|obrigado por ligar nosso horário de atendimento é de segunda a sexta".split(
    "|"
)
FIRST = "maria josé ana joão antônio francisco carlos paulo pedro lucas luiz marcos luís gabriel rafael daniel marcelo bruno eduardo felipe raimundo rodrigo manoel mateus andré fernando fábio leonardo gustavo guilherme leandro tiago anderson ricardo márcio jorge sebastião alexandre roberto edson diego vitor sérgio cláudio matheus thiago geraldo adriano luciano júlio renato alex vinícius rogério samuel ronaldo mário flávio igor douglas davi jeferson cícero caio henrique hugo otávio murilo arthur bernardo heitor enzo miguel nelson valdir wagner robson reginaldo gilberto francisca antônia adriana juliana márcia fernanda patrícia aline sandra camila amanda bruna jéssica letícia júlia luciana vanessa mariana gabriela vera larissa cláudia beatriz rita luana sônia renata eliane josefa simone natália cristiane carla débora rosângela rafaela raimunda tereza terezinha jaqueline rosa daniela aparecida marlene helena isabela lúcia vitória tatiane viviane alice laura sofia manuela valentina lorena cecília eloá lívia rosana regina marta fátima lourdes ivone neusa elza zilda olga irene célia solange silvana edna kelly priscila bianca talita tainá karina michele elaine andréia cíntia vilma conceição joana clara luíza isadora".split()
LAST = "silva santos oliveira souza rodrigues ferreira alves pereira lima gomes costa ribeiro martins carvalho almeida lopes soares fernandes vieira barbosa rocha dias nascimento andrade moreira nunes marques machado mendes freitas cardoso ramos gonçalves santana teixeira araújo pinto correia moura cavalcanti castro campos batista reis melo barros monteiro miranda coelho borges farias sales duarte figueiredo xavier peixoto azevedo aguiar nogueira guimarães macedo matos cunha siqueira dantas queiroz viana medeiros amaral braga leite bezerra pacheco fonseca brito rezende tavares pires coutinho sampaio assis vasconcelos magalhães prado camargo bueno pimentel assunção paiva toledo furtado menezes".split()
FUN = "de da do das dos e o a os as um uma em no na com por para que não se mais como mas foi ao ele ela eu você nós meu minha seu sua esse essa este isso aquilo muito já também só quando onde porque até depois antes agora hoje sempre nunca aqui ali lá bem mal sem sob sobre entre".split()
SHORT = "um um um um dois dois dois três três três seis seis seis sim sim sim sim não não não não tá tá tá é é é oi oi zero quatro cinco sete oito nove meia dez onze doze treze quatorze catorze quinze uma duas mil cem eu ok isso claro pode quero pix alô hã opa eh fala quem boleto cartão hoje amanhã segunda terça quarta quinta sexta sábado domingo maio junho julho março abril vinte trinta sessenta setenta dezesseis dezessete certo errado pago paguei depois nada menos mais aqui só já pronto diga bom bem beleza sair voltar ajuda repete tchau valeu peraí nunca talvez acho".split()
LET = "á bê cê dê é efe gê agá i jota cá ele eme ene ó pê quê erre esse tê u vê dáblio xis ípsilon zê".split()
ON = [
    "",
    "p",
    "b",
    "t",
    "d",
    "c",
    "g",
    "f",
    "v",
    "s",
    "z",
    "ch",
    "j",
    "m",
    "n",
    "l",
    "r",
    "pr",
    "br",
    "tr",
    "dr",
    "cr",
    "gr",
    "fr",
    "pl",
    "bl",
    "cl",
    "fl",
]
ON2 = ON[1:] + ["nh", "lh", "rr", "ss"]
NU = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "á",
    "é",
    "ã",
    "an",
    "en",
    "in",
    "on",
    "un",
    "ão",
    "ai",
    "ei",
    "oi",
    "au",
    "eu",
    "ou",
    "ar",
    "er",
    "or",
    "as",
    "es",
    "is",
    "os",
    "al",
    "el",
    "ol",
]
STATE = "são paulo|rio de janeiro|minas gerais|bahia|paraná|santa catarina|rio grande do sul|ceará|pernambuco|goiás|pará|maranhão|amazonas|espírito santo|paraíba|piauí|alagoas|sergipe|mato grosso|rondônia|tocantins|acre|amapá|roraima|brasília|belo horizonte|salvador|fortaleza|curitiba|recife|porto alegre|manaus|belém|goiânia|campinas|guarulhos|niterói|natal|cuiabá|aracaju|teresina|maceió|florianópolis|vitória|santos|ribeirão preto|uberlândia|londrina|joinville".split(
    "|"
)
BANK = "banco|cartão|loja|financeira|operadora|conta de luz|conta de água|internet|telefone|faculdade|condomínio|consórcio|plano de saúde|crediário".split(
    "|"
)
SAYAS = {
    "cpf": "cê pê éfe",
    "cnpj": "cê ene pê jota",
    "sms": "ésse eme ésse",
    "pix": "pics",
    "whatsapp": "uótzápi",
    "zap": "zápi",
    "e-mail": "iméiu",
    "inss": "i ene ésse ésse",
    "spc": "ésse pê cê",
    "procon": "prócon",
    "serasa": "serása",
    "qr": "quê érre",
    "code": "côde",
    "link": "línqui",
    "gmail": "gemêiu",
    "site": "sáiti",
    "chip": "chípi",
    "ok": "oquêi",
    "internet": "internéti",
    "uhum": "uhum",
    "online": "onlaine",
}
DROP = {"uhum", "aham", "arrã", "hã", "ã", "eh", "online"}  # interjections a synthesiser cannot be trusted with

PH = {}
for _l in open(os.path.join(HERE, "phrases.txt"), encoding="utf-8"):
    k, v = _l.rstrip("\n").split(": ", 1)
    PH[k] = [p for p in v.split(" | ") if not set(p.split()) & DROP]
PALL = [p for v in PH.values() for p in v]
YES = [y for y in YES if y not in DROP]

_W = None


def words():
    global _W
    if _W is None:
        ws = {w.strip() for w in open(os.environ.get("WORDLIST", "/usr/share/dict/brazilian"), encoding="utf-8")}
        ws = sorted(w for w in ws if w.islower() and 3 <= len(w) <= 13 and w.isalpha() and not set(w) & set("kwyà"))
        e = lambda *s: [w for w in ws if w.endswith(s) and len(w) > 4]
        _W = dict(
            all=ws,
            inf=e("ar", "er", "ir"),
            adv=e("mente"),
            cao=e("ção", "são"),
            dade=e("dade"),
            ger=e("ando", "endo", "indo"),
            ado=e("ado", "ido"),
            oes=e("ções", "sões"),
            ista=e("ista"),
            eza=e("eza", "ura", "agem"),
            agent=e("dor", "tor"),
            mento=e("mento"),
            short=[w for w in ws if len(w) <= 5],
        )
    return _W


def dig(r, d):
    return ("meia" if r.random() < 0.5 else "seis") if d == 6 else U[d]


def digits(r, n):
    """n digits said singly, in pairs, in hundreds, with repeats; commas between groups in `say`"""
    ds = [r.randrange(10) for _ in range(n)]
    out = []
    i = 0
    style = r.random()
    while i < n:
        left = n - i
        if style < 0.5 or left == 1:
            out.append(dig(r, ds[i]))
            i += 1
        elif style < 0.7 and left >= 2:
            v = ds[i] * 10 + ds[i + 1]
            out.append(num(v) if v >= 10 else "zero " + dig(r, v))
            i += 2
        elif style < 0.85 and left >= 3 and ds[i]:
            out.append(num(ds[i] * 100 + ds[i + 1] * 10 + ds[i + 2]))
            i += 3
        else:
            if left >= 2 and ds[i] == ds[i + 1] and r.random() < 0.5:
                out.append("dois " + U[ds[i]] + ("s" if ds[i] not in (2, 3, 6) else ""))
                i += 2
            elif left >= 2 and ds[i] and r.random() < 0.4:
                out.append(num(ds[i] * 10 + ds[i + 1]))
                i += 2
            else:
                out.append(dig(r, ds[i]))
                i += 1
    if n >= 6 and r.random() < 0.3:
        out.insert(r.randint(1, len(out) - 1), r.choice(["ponto", "traço", "dígito", "final"]))
    g = r.choice([1, 2, 3, 3, 4, 99])
    return "".join(w + ((", " if (k + 1) % g == 0 else " ")) for k, w in enumerate(out)).rstrip(" ,")


def cpf(r):
    k = r.random()
    if k < 0.4:
        return digits(r, 11)
    if k < 0.7:
        return r.choice(
            ["meu cpf é ", "o cpf é ", "cpf ", "começa com ", "é ", "os três primeiros são ", "termina com "]
        ) + digits(r, r.choice([3, 3, 3, 2, 4, 11]))
    return digits(r, 3)


def phone(r):
    s = (
        r.choice(
            [
                "onze",
                "vinte e um",
                "trinta e um",
                "quarenta e um",
                "zero onze",
                "ddd".replace("ddd", "dê dê dê") + " onze",
                num(r.randint(11, 99)),
            ]
        )
        + ", nove "
        + digits(r, 4)
        + ", "
        + digits(r, 4)
    )
    return r.choice(["", "", "meu número é ", "o telefone é ", "anota aí, ", "o celular dele é "]) + s


def time_(r):
    h = r.randint(0, 23)
    k = r.random()
    if k < 0.15:
        return r.choice(["meio-dia", "meia-noite", "meio-dia e meia", "ao meio-dia", "depois do meio-dia"])
    hh = fem(num(h))
    hr = "hora" if h == 1 else "horas"
    if k < 0.5:
        return r.choice(["às ", "", "depois das ", "até as ", "lá pelas "]) + hh + " " + hr
    if k < 0.75:
        return (
            r.choice(["às ", ""])
            + hh
            + " e "
            + r.choice(["meia", "quinze", "dez", "vinte", "quarenta", "cinco", num(r.randint(1, 59))])
        )
    return (
        r.choice(["às ", ""])
        + fem(num(r.randint(1, 12)))
        + r.choice(["", " e meia", " e quinze", " horas"])
        + r.choice([" da manhã", " da tarde", " da noite"])
    )


def date(r):
    d = r.randint(1, 31)
    m = r.choice(MON)
    f = r.randrange(13)
    ds = "primeiro" if d == 1 and r.random() < 0.8 else num(d)
    if f == 0:
        return f"dia {ds}"
    if f == 1:
        return f"{ds} de {m}"
    if f == 2:
        return f"dia {ds} de {m}"
    if f == 3:
        return f"{ds} de {m} de {num(r.choice([r.randint(1945, 2010), r.randint(2020, 2030)]))}"
    if f == 4:
        return f"{ds} de {m} de {num(r.randint(45, 99))}"
    if f == 5:
        return (
            ("dia " if r.random() < 0.5 else "")
            + f"{ds} do {num(r.randint(1, 12))}"
            + (f" de {num(r.randint(50, 99))}" if r.random() < 0.3 else "")
        )
    if f == 6:
        return r.choice(["na ", "", "próxima ", "nessa ", "só na ", "até "]) + r.choice(DAY[:5])
    if f == 7:
        return r.choice(DAYS) + r.choice(
            ["", " que vem", f", dia {num(d)}", " da semana que vem", " agora", f", {ds} de {m}", " à tarde", " de manhã"]
        )
    if f == 8:
        return r.choice(
            [
                "quinto dia útil",
                "no quinto dia útil",
                "até o quinto dia útil",
                "no quinto dia útil do mês que vem",
                f"no {r.choice(ORD)} dia útil",
                "no último dia do mês",
                "no último dia útil",
            ]
        )
    if f == 9:
        return (
            f"daqui a {num(r.randint(2, 30))} dias"
            if r.random() < 0.7
            else r.choice(["daqui a uma semana", "daqui a duas semanas", "daqui a um mês"])
        )
    if f == 10:
        return r.choice(
            ["depois do dia ", "até o dia ", "lá pelo dia ", "só no dia ", "entre o dia cinco e o dia ", "no dia "]
        ) + num(d)
    if f == 11:
        return r.choice(
            [
                "hoje",
                "amanhã",
                "depois de amanhã",
                "ontem",
                "anteontem",
                "hoje à tarde",
                "amanhã cedo",
                "amanhã de manhã",
                "semana que vem",
                "mês que vem",
                "no começo do mês",
                "no fim do mês",
                "fim de semana",
                "ano que vem",
                "na outra semana",
                "no próximo mês",
                "em " + m,
                "até " + m,
            ]
        )
    return r.choice(MON)


def money(r):
    k = r.random()
    v = (
        r.randint(1, 99)
        if k < 0.3
        else r.randint(100, 999) if k < 0.65 else r.randint(1000, 9999) if k < 0.93 else r.randint(10000, 200000)
    )
    if r.random() < 0.35:
        v = v // 10 * 10 or 10
    k = r.random()
    if k < 0.08:
        return r.choice(
            [
                "cem conto",
                "cem pila",
                "cinquenta conto",
                "duzentão",
                "cinquentinha",
                "um pau",
                "dois paus",
                "mil conto",
                "mil e duzentos",
                "dois e quinhentos",
                "metade",
                "cento e vinte por mês",
                "uns trezentos",
                "trezentos e pouco",
                "meio por cento",
                "dois por cento",
                "dez por cento de desconto",
                "cinquenta por cento",
            ]
        )
    s = num(v)
    if k > 0.25:
        s += " " + ("reais" if v > 1 else "real")
    if r.random() < 0.3:
        s += " e " + num(r.randint(1, 99)) + (" centavos" if r.random() < 0.8 else "")
    return (
        r.choice(
            ["", "", "", "", "dou ", "consigo ", "só posso ", "pago ", "entrada de ", "parcela de ", "o valor é ", "são ", "até "]
        )
        + s
    )


def parc(r):
    n = r.choice([r.randint(1, 12), r.randint(2, 36)])
    s = fem(num(n))
    return r.choice(
        [
            "em {} vezes",
            "{} vezes",
            "{} parcelas",
            "quero em {} parcelas",
            "{}",
            "parcelar em {} vezes",
            "pode ser em {} vezes",
            "divide em {}",
            "faz em {} vezes",
            "prefiro {} parcelas",
            "dá pra fazer em {} vezes",
            "só em {} vezes",
            "{} parcelas de " + num(r.randint(30, 900)) + " reais",
            "entrada de " + num(r.randint(2, 50) * 10) + " e mais {} parcelas",
        ]
    ).format(s)


def name(r):
    f = r.choice(FIRST)
    k = r.random()
    n = (
        f
        if k < 0.35
        else (
            f"{f} {r.choice(LAST)}"
            if k < 0.7
            else (
                f"{f} {r.choice(FIRST)} {r.choice(LAST)}"
                if k < 0.8
                else f"{f} {r.choice(LAST)} {r.choice(['de ', 'da ', 'dos ', '']) }{r.choice(LAST)}"
            )
        )
    )
    return (
        r.choice(
            [
                "",
                "",
                "",
                "meu nome é ",
                "aqui é ",
                "eu sou ",
                "quem fala é ",
                "quero falar com ",
                "é a casa de ",
                "não é ",
                "o nome completo é ",
                "sim, é ",
                "a senhora ",
                "o senhor ",
            ]
        )
        + n
    )


def mix(r):
    a = r.choice(
        [
            "sim",
            "não",
            "é",
            "tá",
            "tá bom",
            "olha",
            "então",
            "bom",
            "ah",
            "oi",
            "alô",
            "isso",
            "certo",
            "claro",
            "pois é",
            "moça",
            "espera",
            "não não",
            "sim sim",
            "opa",
            "peraí",
        ]
    )
    b = r.choice(
        [
            lambda: r.choice(YES),
            lambda: r.choice(NO),
            lambda: r.choice(INT),
            lambda: r.choice(PALL),
            lambda: date(r),
            lambda: money(r),
            lambda: parc(r),
        ]
    )()
    s = a + r.choice([", ", " ", ", "]) + b
    if r.random() < 0.15:
        s += r.choice([", viu", ", tá", ", por favor", ", moça", ", obrigado", ", obrigada", ", né"])
    return s


def domain(r):
    k = r.random()
    if k < 0.15:
        return digits(r, r.choice([1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8]))
    if k < 0.19:
        return cpf(r)
    if k < 0.22:
        return phone(r)
    if k < 0.30:
        return num(r.choice([r.randint(0, 99), r.randint(0, 100), r.randint(0, 999), r.randint(0, 9999)]))
    if k < 0.40:
        return date(r)
    if k < 0.43:
        return time_(r)
    if k < 0.50:
        return money(r)
    if k < 0.55:
        return parc(r)
    if k < 0.60:
        return name(r)
    if k < 0.67:
        return r.choice(YES)
    if k < 0.73:
        return r.choice(NO)
    if k < 0.80:
        return r.choice(INT)
    if k < 0.90:
        return r.choice(PALL)
    if k < 0.915:
        return r.choice(VMAIL)
    if k < 0.925:
        return " ".join(r.choice(LET) for _ in range(r.randint(1, 4)))
    return mix(r)


def cpf3(r):
    """Three digits of a CPF, as asked for in the identification."""
    d = [r.randrange(10) for _ in range(3)]
    k = r.random()
    if k < 0.6:
        s = [dig(r, x) for x in d]
    elif k < 0.75:
        s = [num(d[0] * 100 + d[1] * 10 + d[2])] if d[0] else [dig(r, x) for x in d]
    elif k < 0.88:
        s = [dig(r, d[0]), num(d[1] * 10 + d[2]) if d[1] else "zero " + dig(r, d[2])]
    else:
        s = [num(d[0] * 10 + d[1]) if d[0] else "zero " + dig(r, d[1]), dig(r, d[2])]
    s = r.choice([" ", " ", ", "]).join(s)
    return (
        r.choice(
            [""] * 8
            + [
                "é ",
                "são ",
                "os três primeiros são ",
                "meu cpf começa com ",
                "começa com ",
                "os números são ",
                "é o ",
                "tá, ",
                "anota aí, ",
            ]
        )
        + s
    )


def day(r):
    """The day somebody will pay on."""
    n = r.randint(1, 31)
    d = "primeiro" if n == 1 and r.random() < 0.8 else num(n)
    k = r.random()
    if k < 0.55:
        return (
            r.choice(
                [
                    "dia ",
                    "dia ",
                    "dia ",
                    "no dia ",
                    "pode ser dia ",
                    "só dia ",
                    "até dia ",
                    "pro dia ",
                    "para o dia ",
                    "quero dia ",
                    "bota dia ",
                    "lá pelo dia ",
                    "",
                ]
            )
            + d
        )
    if k < 0.7:
        return f"dia {d} de {r.choice(MON)}"
    if k < 0.92:
        return (
            r.choice(["", "", "na ", "até ", "só na ", "pode ser na ", "na próxima "])
            + r.choice(DAY + DAYS)
            + r.choice(["", "", "", " que vem", " agora", " de manhã", " à tarde"])
        )
    return r.choice(["hoje", "amanhã", "depois de amanhã", "hoje mesmo", "amanhã cedo", "semana que vem", "mês que vem"])


def answer(r):
    """What a caller answers to the questions of the agent."""
    k = r.random()
    if k < 0.24:
        return cpf3(r)
    if k < 0.44:
        return day(r)
    if k < 0.60:
        return parc(r)
    if k < 0.72:
        return r.choice(["sim", "sim", "não", "não"] + YES)
    if k < 0.82:
        return r.choice(NO)
    if k < 0.92:
        return r.choice(INT)
    return r.choice(PALL)


def caller(r):
    """(say, text) for the formant voices: answers, then the domain at large, then isolated short words."""
    k = r.random()
    f = (lambda: answer(r)) if k < 0.55 else (lambda: domain(r)) if k < 0.82 else (lambda: r.choice(SHORT))
    s = f()
    while set(clean(s).split()) & DROP:
        s = f()
    return spoken(r, s), clean(s)


def pseudo(r):
    return "".join(r.choice(ON if not i else ON2) + r.choice(NU) for i in range(r.randint(1, 3)))


def frame(r):
    W = words()
    w = lambda: r.choice(W["all"])
    c = lambda k: r.choice(W[k])
    F = [
        lambda: f"a palavra {w()} vem antes de {w()}",
        lambda: f"escreva {w()} e depois {w()}",
        lambda: f"eu disse {w()}, não {w()}",
        lambda: f"no caderno estava {w()}, {w()} e {w()}",
        lambda: f"quem falou {w()} foi {r.choice(FIRST)}",
        lambda: f"procure {w()} na letra {r.choice(LET)}",
        lambda: f"ninguém sabe o que é {w()}",
        lambda: f"entre {w()} e {w()}, prefiro {w()}",
        lambda: f"quero {c('inf')} e {c('inf')} antes de {c('inf')}",
        lambda: f"ele vai {c('inf')} {c('adv')}",
        lambda: f"ela gosta de {c('inf')} {c('adv')} aos {r.choice(['sábados', 'domingos'])}",
        lambda: f"preciso {c('inf')} a {c('cao')} ainda hoje",
        lambda: f"a {c('cao')} da {c('dade')} parece {c('ado')}",
        lambda: f"o {c('ado')} estava {c('ger')} a {c('eza')}",
        lambda: f"estavam {c('ger')} e {c('ger')} o {c('mento')}",
        lambda: f"o {c('mento')} do {c('agent')} foi {c('ado')} {c('adv')}",
        lambda: f"as {c('oes')} e as {c('oes')} foram {c('ger')}",
        lambda: f"cada {c('ista')} pode {c('inf')} com {c('dade')}",
        lambda: f"sem {c('dade')} não há {c('mento')}",
        lambda: f"foi {c('ado')} por um {c('ista')} muito {c('ado')}",
        lambda: f"{r.choice(FIRST)} {r.choice(LAST)} mora em {r.choice(STATE)}",
        lambda: f"de {r.choice(STATE)} para {r.choice(STATE)} são {num(r.randint(20, 3000))} quilômetros",
        lambda: f"{r.choice(FIRST)} e {r.choice(FIRST)} vão {c('inf')} em {r.choice(MON)}",
        lambda: f"o {r.choice(['banco', 'posto', 'hospital', 'cartório'])} fica na rua {r.choice(FIRST)} {r.choice(LAST)}, número {num(r.randint(1, 2500))}",
        lambda: f"será que {w()} rima com {w()}",
        lambda: f"por que {c('inf')} quando se pode {c('inf')}",
        lambda: f"nunca vi {w()} tão {c('ado')}",
        lambda: f"depois da {c('cao')}, o {c('agent')} vai {c('inf')}",
        lambda: f"{w()} {w()} {w()}",
        lambda: f"{w()}, {w()}, {w()} e {w()}",
        lambda: f"{w()} com {w()}",
        lambda: f"{w()} de {w()}",
    ]
    return r.choice(F)()


def general(r):
    k = r.random()
    W = words()
    if k < 0.22:
        return r.choice(W["all"])
    if k < 0.28:
        return r.choice(W["short"])
    if k < 0.66:
        return frame(r)
    out = []
    for _ in range(r.randint(2, 8)):
        q = r.random()
        out.append(
            r.choice(FUN)
            if q < 0.33
            else (
                pseudo(r)
                if q < 0.43
                else (
                    r.choice(MON + DAY + U + list(T.values()) + list(H.values()))
                    if q < 0.5
                    else r.choice(FIRST + LAST) if q < 0.58 else r.choice(W["all"])
                )
            )
        )
    return " ".join(out)


def clean(s):
    return " ".join(re.sub(r"[^a-zà-ÿ' -]", " ", s.lower()).split())


def spoken(r, s):
    s = " ".join(re.sub(r"[a-zà-ÿ-]+", lambda m: SAYAS.get(m[0], m[0]), w) for w in s.split())
    return s + r.choice([".", ".", ".", ".", "?", "?", "!", ",", "..."])


def make(r, kind):
    s = r.choice(SHORT) if kind == "short" else domain(r) if kind == "domain" else general(r)
    while set(clean(s).split()) & DROP:
        s = domain(r) if kind == "domain" else r.choice(SHORT)
    return spoken(r, s), clean(s)


def sentence(r, shares=(("domain", 0.49), ("short", 0.17), ("general", 0.34))):
    k = r.random()
    for kind, p in shares:
        if k < p:
            break
        k -= p
    return make(r, kind) + (kind,)


if __name__ == "__main__":
    r = random.Random(1)
    for _ in range(60):
        print(*sentence(r), sep=" | ")
