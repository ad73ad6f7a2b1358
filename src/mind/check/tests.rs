use super::*;

fn findings(text: &str) -> Vec<Finding> {
    let files = BTreeMap::from([("fluxo.toml".to_owned(), text.to_owned())]);
    let senses = Senses {
        rule: &|rule| rule == "simnao.gram",
        intents: ["SIM", "NAO", "ENGANO", "TERCEIRO_ATENDEU", "PEDE_HUMANO"]
            .map(str::to_owned)
            .into(),
        spelling: &|word| word == "CPF",
        automaton: None,
    };
    check(&files, &senses).1
}

fn rules_of(text: &str) -> Vec<&'static str> {
    findings(text).iter().map(|finding| finding.rule).collect()
}

const HEAD: &str = r#"
[script]
name = "t"
version = 1
start = "a"
bot = "Ana"
[global]
noinput = ["Não ouvi."]
nomatch = ["Não entendi."]
silence = "fim"
confusion = "fim"
overtime = "fim"
[global.on]
PEDE_HUMANO = "fim"
ENGANO = "fim"
TERCEIRO_ATENDEU = "fim"
[state.fim]
end = "RECUSA"
"#;

#[test]
fn a_debt_fact_before_verification_is_found_with_the_path_there() {
    let text = format!(
        "{HEAD}[state.a]\nsay = [\"Oi {{{{ nome }}}}?\"]\nagain = [\"oi?\"]\nlisten = [\"simnao.gram\"]\n[state.a.on]\nSIM = \"b\"\n\
         [state.b]\nsay = [\"A soma é {{{{ v_total }}}}.\"]\nend = \"RECUSA\"\n"
    );
    let found = findings(&text);
    let disclosure = found
        .iter()
        .find(|finding| finding.rule == "disclosure")
        .unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(disclosure.path, ["a", "b"]);
    assert_eq!((disclosure.line, disclosure.column), (26, 21));
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = format!(
        "{HEAD}[state.a]\nsay = [\"Faltam 3 dias para {{{{ nomee }}}}?\"]\nlisten = [\"nada.gram\"]\nescuta = 1\n[state.a.on]\nSIM = \"fimm\"\nTALVEZ = \"fim\"\n\
         [state.perdido]\nsay = [\"x\"]\n"
    );
    let rules = rules_of(&text);
    for rule in [
        "raw-digit",
        "unknown-variable",
        "unknown-grammar",
        "unknown-state",
        "unknown-key",
        "unknown-intent",
        "unreachable",
        "no-way-out",
        "missing-again",
    ] {
        assert!(rules.contains(&rule), "{rule} is missing from {rules:?}");
    }
}

#[test]
fn what_comes_of_an_act_must_lead_somewhere() {
    let rules = rules_of(&format!(
        "{HEAD}[state.a]\ndo = \"reenvia\"\n[state.a.on]\nenviado = \"fim\"\ntalvez = \"fim\"\n"
    ));
    for rule in ["missing-outcome", "unknown-outcome", "unset-variable"] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_of_the_others() {
    let files = BTreeMap::from([
        ("a.toml".to_owned(), "[script\nname = ".to_owned()),
        (
            "b.toml".to_owned(),
            format!("{HEAD}[state.a]\nsay = [\"Pague 3\"]\nfala = 1\n"),
        ),
    ]);
    let senses = Senses {
        rule: &|_| true,
        intents: BTreeSet::new(),
        spelling: &|_| true,
        automaton: None,
    };
    let (_, found) = check(&files, &senses);
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    for rule in ["syntax", "unknown-key", "raw-digit"] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
    assert!(!rules.contains(&"unreachable"), "{rules:?}");
}

#[test]
fn a_close_name_is_proposed() {
    assert_eq!(
        nearest("oferta_avist", ["oferta_avista", "dia"].iter()),
        "did you mean `oferta_avista`?"
    );
    assert_eq!(nearest("xyz", ["oferta_avista"].iter()), "correct the name");
}
