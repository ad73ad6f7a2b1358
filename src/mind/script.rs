//! The script: what is said, what is listened for, where each meaning leads. Data, read from TOML.
//!
//! A script is a graph of states. A state speaks (`say`), and then listens (`listen`, `on`), goes on (`next`), does
//! something that has outcomes (`do`, `on`), or ends the call (`end`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::Condition;

/// A whole script: flow, repairs and messages, already merged from its files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub script: Header,
    #[serde(default)]
    pub global: Global,
    /// States by name. The order does not matter.
    pub state: BTreeMap<String, State>,
    /// Texts of messages and pages by name (`sms_boleto`, `pagina_acordo`), rendered with written figures.
    #[serde(default)]
    pub message: BTreeMap<String, String>,
    /// What the law wants heard, by name.
    #[serde(default)]
    pub notice: BTreeMap<String, Notice>,
}

/// A sentence that every call must have heard before something else. It is never cut by barge-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// A prompt that holds all of these has given the notice.
    pub words: Vec<String>,
    pub before: Milestone,
}

/// What a notice has to come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// The person is asked to prove who it is.
    Identificacao,
    /// A fact of the debt is told.
    Divida,
    /// An offer is made.
    Oferta,
    /// The agreement is written.
    Acordo,
}

impl Milestone {
    pub const NAMES: &'static [&'static str] = &["identificacao", "divida", "oferta", "acordo"];
}

/// What holds for the whole script.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub name: String,
    pub version: u32,
    /// The state in which a call begins.
    pub start: String,
    /// The name by which the agent calls itself.
    pub bot: String,
    /// Longest call, in seconds. Then the agent says goodbye.
    #[serde(default = "six_minutes")]
    pub limit_s: u32,
    /// Silences and misunderstandings allowed in one call.
    #[serde(default = "five")]
    pub repairs: u32,
    /// How often one question is asked before the call leaves it.
    #[serde(default = "three")]
    pub attempts: u32,
    /// Answers taken in one call. Then it ends as if it had lasted too long: no loop is longer.
    #[serde(default = "sixty")]
    pub turns: u32,
}

const fn three() -> u32 {
    3
}

const fn sixty() -> u32 {
    60
}

const fn six_minutes() -> u32 {
    360
}

const fn five() -> u32 {
    5
}

/// What is understood in every question, and what follows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Global {
    /// Grammar rules that are active in every question: `file.gram#rule`.
    #[serde(default)]
    pub listen: Vec<String>,
    #[serde(default)]
    pub on: BTreeMap<String, Route>,
    /// Said before the question is asked again, by attempt, when nothing was heard.
    #[serde(default)]
    pub noinput: Vec<String>,
    /// Likewise when what was heard was not understood.
    #[serde(default)]
    pub nomatch: Vec<String>,
    /// Said once after half a minute of the silence that the caller asked for.
    #[serde(default)]
    pub hold: Vec<String>,
    /// Where a call leads that was kept waiting for a minute.
    pub patience: Option<Route>,
    /// Said when an effect takes longer than 0.7 s.
    pub filler: Option<String>,
    /// Where a question leads that was not answered three times.
    pub silence: Option<Route>,
    /// Where a question leads that was misunderstood three times.
    pub confusion: Option<Route>,
    /// Where a call leads that has lasted too long, or has taken too many turns.
    pub overtime: Option<Route>,
}

/// One state of the conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Said on entering.
    pub say: Vec<String>,
    /// Said instead when the question is asked again: the second and the third time.
    pub again: Vec<String>,
    /// The law wants this heard to its end: barge-in is refused.
    pub mandatory: bool,
    /// The law wants these words, so they may be longer than people like.
    pub legal: bool,
    /// Takes the place of a state of the same name in another file: repair patterns are replaced one by one.
    pub replaces: bool,
    /// Grammar rules of this question: `file.gram#rule`.
    pub listen: Vec<String>,
    /// How many digits answer this question, spoken or keyed. `None`: keys 1 and 2 mean yes and no.
    pub digits: Option<usize>,
    /// How many keys answer this question, where digits are not also spoken: a day is two.
    pub keys: Option<usize>,
    /// Seconds of silence after the question was heard before it is asked again.
    pub noinput_s: Option<u32>,
    /// Where each intent, or each outcome of `do`, leads.
    pub on: BTreeMap<String, Route>,
    /// What is computed or done in this state.
    #[serde(rename = "do")]
    pub act: Option<Verb>,
    /// Where a state that asks nothing leads.
    pub next: Option<Route>,
    /// The call ends here with this disposition.
    pub end: Option<String>,
    /// The message that `envia` sends.
    pub message: Option<String>,
    /// A question in passing: `@volta` leads back to the question before it.
    pub detour: bool,
    /// How often this question is asked, where it differs from the others: once for an open one.
    pub attempts: Option<u32>,
    /// How often a call may come here; from then on it goes to `beyond`.
    pub at_most: Option<u32>,
    pub beyond: Option<Route>,
    /// Said before this question is asked again, in place of the general words.
    pub noinput: Vec<String>,
    pub nomatch: Vec<String>,
    /// Reaching this state fixes a disposition, unless a stronger one stands.
    pub mark: Option<String>,
    /// Owners of this question: a third failure leads here instead of to the global handler.
    pub silence: Option<Route>,
    pub confusion: Option<Route>,
}

impl Script {
    /// Whether the question of `state`, or every question, knows where this intent leads.
    pub fn answers(&self, state: &str, intent: &str) -> bool {
        let here = self.state.get(state).map(|state| &state.on);
        here.into_iter()
            .chain([&self.global.on])
            .any(|on| on.contains_key(intent))
    }
}

impl Route {
    /// Every state that this may lead to.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Self::Target(target) => (Some(target), &[][..]),
            Self::Cases(cases) => (None, cases.as_slice()),
        };
        one.into_iter()
            .chain(several.iter().map(|case| &case.to))
            .filter_map(|target| match target {
                Target::State(name) => Some(name.as_str()),
                _ => None,
            })
    }
}

/// Where to go: one target, or the first whose condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Target(Target),
    Cases(Vec<Case>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Taken when this holds; a case without condition always is.
    pub when: Option<Condition>,
    pub to: Target,
}

/// A state, or a way back into the question that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Target {
    State(String),
    /// `@repete`: say the same again.
    Repeat,
    /// `@volta`: back to the question that was open, asked shortly.
    Back,
    /// `@espera`: be quiet for half a minute.
    Wait,
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        match text.as_str() {
            "@repete" => Self::Repeat,
            "@volta" => Self::Back,
            "@espera" => Self::Wait,
            _ => Self::State(text),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::State(name) => name,
            Target::Repeat => "@repete".into(),
            Target::Back => "@volta".into(),
            Target::Wait => "@espera".into(),
        }
    }
}

macro_rules! verbs {
    ($($(#[$note:meta])* $variant:ident $name:literal: $($outcome:literal)+;)*) => {
        /// What a state does. Each has outcomes, which the state's `on` must all name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Verb { $($(#[$note])* #[serde(rename = $name)] $variant,)* }

        impl Verb {
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Everything that can come of it.
            pub const fn outcomes(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($outcome,)+],)* }
            }

            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

verbs! {
    /// Compares the digits given with the CPF on file.
    ConfereCpf "confere_cpf": "confere" "nao_confere" "esgotou";
    /// Compares the day and month given with the birth on file.
    ConfereNascimento "confere_nascimento": "confere" "nao_confere" "esgotou";
    /// Somebody else is on the line: what was verified holds no more.
    EsquecePessoa "esquece_pessoa": "ok";
    /// Computes what is owed and what may be offered.
    CalculaOfertas "calcula_ofertas": "ok" "sem_oferta";
    /// A better cash offer, where the policy has one.
    MelhoraOferta "melhora_oferta": "melhorou" "limite";
    /// The debtor takes the cash offer.
    EscolheAvista "escolhe_avista": "ok";
    /// The debtor names a number of instalments.
    EscolheParcelas "escolhe_parcelas": "ok" "fora" "falta";
    /// The smallest instalment that the policy allows.
    MenorParcela "menor_parcela": "ok" "fora";
    /// The debtor names an amount, or an amount and a number.
    Contraproposta "contraproposta": "dentro" "fora" "falta";
    /// The debtor names a day.
    MarcaDia "marca_dia": "ok" "mudou" "fora" "falta";
    /// The day that was proposed instead is taken.
    AceitaDia "aceita_dia": "ok";
    /// The means that was asked for, boleto when none was.
    EscolheMeio "escolhe_meio": "ok";
    /// Boleto.
    EscolheBoleto "escolhe_boleto": "ok";
    /// Pix.
    EscolhePix "escolhe_pix": "ok";
    /// Writes the agreement, issues the instrument and puts the message into the outbox.
    FechaAcordo "fecha_acordo": "emitido" "falhou";
    /// Sends the message of the agreement once more.
    Reenvia "reenvia": "enviado" "falhou";
    /// Sends the message that the state names.
    Envia "envia": "enviado" "falhou";
    /// Hands the call to a person.
    Transfere "transfere": "transferido" "falhou";
    /// Notes a day and an hour for calling back, inside the hours of the law.
    Agenda "agenda": "ok" "fora" "falta";
    /// Writes down what was said: a number, a day, a reason.
    Anota "anota": "ok";
}

impl Script {
    /// Reads a script from its files, name by text. Later files add states; a name given twice is a mistake.
    ///
    /// # Errors
    /// Every file that is not TOML of the right form, with its place, and every name that stands twice.
    pub fn read(files: &BTreeMap<String, String>) -> Result<Self, Vec<ScriptError>> {
        let mut errors = Vec::new();
        let mut merged = toml::Table::new();
        for (file, text) in files {
            match text.parse::<toml::Table>() {
                Ok(table) => merge(&mut merged, table, file, &mut errors),
                Err(error) => errors.push(ScriptError::syntax(file, text, &error)),
            }
            // Each file is checked against the form by itself, so that the place is that file's.
            if let Err(error) = toml::from_str::<Part>(text) {
                let syntax = ScriptError::syntax(file, text, &error);
                if !errors
                    .iter()
                    .any(|known| known.file == syntax.file && known.line == syntax.line)
                {
                    errors.push(syntax);
                }
            }
        }
        if errors.is_empty() {
            merged.try_into().map_err(|error: toml::de::Error| {
                let file = files.keys().next().cloned().unwrap_or_default();
                vec![ScriptError {
                    file,
                    line: 1,
                    column: 1,
                    message: error.message().to_owned(),
                }]
            })
        } else {
            Err(errors)
        }
    }
}

/// One file of a script: everything is optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only the form is checked; the merged table is what is read"
)]
struct Part {
    script: Option<Header>,
    global: Option<Global>,
    state: Option<BTreeMap<String, State>>,
    message: Option<BTreeMap<String, String>>,
    notice: Option<BTreeMap<String, Notice>>,
}

fn replaces(entry: &toml::Value) -> bool {
    entry.get("replaces").and_then(toml::Value::as_bool) == Some(true)
}

fn merge(into: &mut toml::Table, from: toml::Table, file: &str, errors: &mut Vec<ScriptError>) {
    for (section, value) in from {
        match (into.get_mut(&section), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(new)) => {
                for (name, entry) in new {
                    // Repair patterns are replaced one by one.
                    if known.get(&name).is_some_and(replaces) {
                        continue;
                    }
                    if known.contains_key(&name) && !replaces(&entry) {
                        let message = format!("[{section}.{name}] stands in two files; keep one");
                        errors.push(ScriptError {
                            file: file.to_owned(),
                            line: 1,
                            column: 1,
                            message,
                        });
                    } else {
                        known.insert(name, entry);
                    }
                }
            }
            (_, value) => {
                into.insert(section, value);
            }
        }
    }
}

/// A file of the script that cannot be read. Line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ScriptError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl ScriptError {
    fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = place(text, offset);
        Self {
            file: file.to_owned(),
            line,
            column,
            message: error.message().to_owned(),
        }
    }
}

/// Line and column, from 1, of a byte offset.
pub fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |tail| tail.chars().count())
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("fluxo.toml".to_owned(), text.to_owned())])
    }

    #[test]
    fn a_small_script_is_read() {
        let script = Script::read(&files(
            r#"
            [script]
            name = "teste"
            version = 1
            start = "abertura"
            bot = "Ana"
            [state.abertura]
            say = ["Eu falo com {{ nome }}?"]
            listen = ["simnao.gram#simnao"]
            [state.abertura.on]
            SIM = "fim"
            NAO = [{ when = "tem_melhora", to = "abertura" }, { to = "fim" }]
            REPETE = "@repete"
            [state.fim]
            end = "RECUSA"
            "#,
        ))
        .unwrap();
        let opening = &script.state["abertura"];
        assert_eq!(
            opening.on["SIM"],
            Route::Target(Target::State("fim".into()))
        );
        assert_eq!(opening.on["REPETE"], Route::Target(Target::Repeat));
        assert!(matches!(&opening.on["NAO"], Route::Cases(cases) if cases.len() == 2));
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let errors = Script::read(&files(
            "[script]\nname = 'x'\nversion = 'um'\nstart='a'\nbot='b'\n[state]\n",
        ))
        .unwrap_err();
        assert_eq!((errors[0].line, errors[0].column), (3, 11));
    }

    #[test]
    fn a_key_that_does_not_exist_is_a_mistake() {
        let errors = Script::read(&files(
            "[script]\nname='x'\nversion=1\nstart='a'\nbot='b'\n[state.a]\nend='RECUSA'\nescuta=['x']\n",
        ))
        .unwrap_err();
        assert_eq!(errors[0].line, 8);
        assert!(
            errors[0].message.contains("escuta"),
            "{}",
            errors[0].message
        );
    }
}
