//! Broken scripts, one for each rule of `combinado check`: the built-in script with one change each, in
//! `tests/data/broken`, and what must be found: where, with what remedy, and by what path of a call.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use combinado::call::Graphs;
use combinado::config::Agent;
use combinado::config::Config;
use combinado::mind::check::Finding;
use combinado::run::{Kit, Sources, kit};
use serde::Deserialize;

/// One change to the built-in script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The rule that must speak.
    rule: String,
    file: String,
    /// What is replaced, where it stands first after `after`; nothing: `replace` is added at the end.
    #[serde(default)]
    find: String,
    #[serde(default)]
    after: String,
    replace: String,
    /// Questions whose rules hold this are listened into.
    #[serde(default)]
    hears: String,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// The line of the finding holds this: the first such line after `after`, in whichever file the finding is.
    line: String,
    #[serde(default)]
    after: String,
    /// The remedy holds this.
    #[serde(default)]
    remedy: String,
    /// The path of a call that gets there; none where there is none.
    #[serde(default)]
    path: Vec<String>,
}

fn shipped() -> Sources {
    Sources::gather(&Agent {
        ..Config::default().agent
    })
    .expect("the built-in script")
}

fn file<'a>(sources: &'a mut Sources, name: &str) -> &'a mut String {
    if name == "politica.toml" {
        return &mut sources.policy;
    }
    let files = if name.ends_with(".gram") {
        &mut sources.grammars
    } else {
        &mut sources.script
    };
    files
        .get_mut(name)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

impl Case {
    fn apply(&self, sources: &mut Sources) {
        let text = file(sources, &self.file);
        if self.find.is_empty() {
            text.push_str(&self.replace);
            return;
        }
        let from = text.find(&self.after).expect("`after` stands in the file");
        let at = text[from..]
            .find(&self.find)
            .map(|at| from + at)
            .unwrap_or_else(|| panic!("`{}` does not stand in {}", self.find, self.file));
        text.replace_range(at..at + self.find.len(), &self.replace);
    }

    /// Whether a finding is the one wanted; otherwise why it is not.
    fn judge(&self, sources: &mut Sources, finding: &Finding) -> Result<(), String> {
        let text = file(sources, &finding.file);
        let from = text
            .find(&self.expect.after)
            .ok_or("`expect.after` is not there")?;
        let at = text[from..]
            .find(&self.expect.line)
            .map(|at| from + at)
            .ok_or("its line is not there")?;
        let line = text[..at].matches('\n').count() + 1;
        if finding.line != line {
            return Err(format!("stands in line {}, not {line}", finding.line));
        }
        if finding.remedy.is_empty() || !finding.remedy.contains(&self.expect.remedy) {
            return Err(format!("its remedy is “{}”", finding.remedy));
        }
        if !self.expect.path.is_empty() && finding.path != self.expect.path {
            return Err(format!("its path is {:?}", finding.path));
        }
        Ok(())
    }
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/broken");
    let mut cases: Vec<(String, Case)> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let text = fs::read_to_string(&path).expect("text");
            let case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, case)
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

#[test]
fn every_broken_script_is_told_with_place_remedy_and_path() {
    let model = kit::acoustic_model(None).expect("the built-in model");
    let shipped = shipped();
    let whole = Graphs::new(shipped.grammars.clone(), model.clone());
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut faults = Vec::new();
    for (name, case) in &cases {
        let mut sources = shipped.clone();
        case.apply(&mut sources);
        let own;
        let graphs = if sources.grammars == shipped.grammars {
            &whole
        } else {
            own = Graphs::new(sources.grammars.clone(), model.clone());
            &own
        };
        let hears = |rules: &[String]| {
            !case.hears.is_empty() && rules.iter().any(|rule| rule.starts_with(&case.hears))
        };
        let mut found = if sources.grammars == shipped.grammars {
            Vec::new()
        } else {
            sources.grammar_mistakes()
        };
        found.extend(sources.findings(graphs, &hears));
        let of_rule: Vec<&Finding> = found.iter().filter(|one| one.rule == case.rule).collect();
        let verdicts: Vec<Result<(), String>> = of_rule
            .iter()
            .map(|finding| case.judge(&mut sources, finding))
            .collect();
        if verdicts.iter().all(Result::is_err) {
            let rules: BTreeSet<&str> = found.iter().map(|one| one.rule).collect();
            let why: Vec<String> = verdicts.into_iter().filter_map(Result::err).collect();
            faults.push(format!(
                "{name}: {} among {rules:?}: {}",
                case.rule,
                why.join("; ")
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}

#[test]
fn the_built_in_script_has_no_mistake() {
    let model = kit::acoustic_model(None).expect("the built-in model");
    let sources = shipped();
    let graphs = Graphs::new(sources.grammars.clone(), model);
    let mut found = sources.grammar_mistakes();
    found.extend(sources.findings(&graphs, &|_| true));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_script_with_mistakes_does_not_load() {
    let model = kit::acoustic_model(None).expect("the built-in model");
    let mut sources = shipped();
    let flow = sources.script.get_mut("fluxo.toml").expect("the flow");
    *flow = flow.replacen("confere = \"calcula\"", "confere = \"expoe\"", 1);
    assert!(Kit::build(sources, model).is_err());
}

#[test]
fn two_versions_are_told_apart() {
    let old = shipped();
    let mut new = old.clone();
    let flow = new.script.get_mut("fluxo.toml").expect("the flow");
    *flow = flow.replacen("limit_s = 360", "limit_s = 300", 1);
    new.policy = new.policy.replacen("cash_days = 10", "cash_days = 7", 1);
    let keys: Vec<String> = new
        .changes_since(&old)
        .into_iter()
        .map(|one| one.key)
        .collect();
    assert_eq!(keys, ["script.limit_s", "policy.terms.cash_days"]);
}
