use std::collections::BTreeMap;

use super::*;

fn findings(text: &str) -> Vec<Finding> {
    let files = BTreeMap::from([("fluxo.toml".to_owned(), text.to_owned())]);
    let script = Script::read(&files).unwrap();
    check(&files, &script, &|rule| rule == "simnao.gram")
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
silence = "fim"
confusion = "fim"
overtime = "fim"
[state.fim]
end = "RECUSA"
"#;

#[test]
fn a_debt_fact_before_verification_is_found_with_the_path_there() {
    let text = format!(
        "{HEAD}[state.a]\nsay = [\"Oi {{{{ nome }}}}\"]\nagain = [\"oi\"]\nlisten = [\"simnao.gram\"]\n[state.a.on]\nSIM = \"b\"\n\
         [state.b]\nsay = [\"O total é {{{{ v_total }}}}.\"]\nend = \"RECUSA\"\n"
    );
    let found = findings(&text);
    let disclosure = found
        .iter()
        .find(|finding| finding.rule == "disclosure")
        .expect("disclosure is found");
    assert_eq!(disclosure.path, ["a", "b"]);
    assert_eq!(disclosure.line, 20);
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = format!(
        "{HEAD}[state.a]\nsay = [\"Faltam 3 dias para {{{{ nomee }}}}\"]\nlisten = [\"nada.gram\"]\n[state.a.on]\nSIM = \"fimm\"\n\
         [state.perdido]\nsay = [\"x\"]\n"
    );
    let rules = rules_of(&text);
    for rule in [
        "raw-digit",
        "unknown-variable",
        "unknown-grammar",
        "unknown-state",
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
        "{HEAD}[state.a]\ndo = \"confere_cpf\"\n[state.a.on]\nconfere = \"fim\"\ntalvez = \"fim\"\n"
    ));
    assert_eq!(
        rules,
        ["missing-outcome", "missing-outcome", "unknown-outcome"]
    );
}

#[test]
fn a_close_name_is_proposed() {
    assert_eq!(
        nearest("oferta_avist", ["oferta_avista", "dia"].iter()),
        "did you mean `oferta_avista`?"
    );
    assert_eq!(nearest("xyz", ["oferta_avista"].iter()), "correct the name");
}
