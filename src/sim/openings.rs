//! How calls are answered, by people and by everything else: generated, made worse, and classified.

use std::collections::BTreeMap;

use serde::Serialize;

use super::noises::{self, Dice};
use super::turns::Voices;
use crate::base::Moment;
use crate::ear::amd::{Amd, Answer, Verdict};
use crate::ear::vad::{Settings, Vad};
use crate::media::g711::Law;
use crate::media::{FRAME, FRAME_MS, RATE};

/// One way to answer: words with `|` for a pause of half a second to a second, or tones.
struct Opening {
    answer: Answer,
    words: &'static str,
}

const fn opening(answer: Answer, words: &'static str) -> Opening {
    Opening { answer, words }
}

use Answer::{
    Fax, NoSuchNumber, Pbx, Person, Screening, Silence, Unavailable, Unreachable, Voicemail,
};

/// Words of people and of machines. Many are worded otherwise than the grammar of phrases knows.
const OPENINGS: &[Opening] = &[
    opening(Person, "alô"),
    opening(Person, "alô?"),
    opening(Person, "oi"),
    opening(Person, "pronto"),
    opening(Person, "alô, quem fala?"),
    opening(Person, "alô, boa tarde, quem está falando?"),
    opening(Person, "alô| pronto| quem fala?"),
    opening(Person, "oi, pode falar, tô ouvindo"),
    opening(Person, "pois não"),
    opening(Person, "fala"),
    opening(Person, "diga"),
    opening(Person, "bom dia, quem é?"),
    opening(Person, "alô, bom dia"),
    opening(Person, "sim?"),
    opening(Person, "oi, tudo bem?"),
    opening(Person, "alô, quem gostaria?"),
    opening(Person, "opa, fala aí"),
    opening(Person, "alô, alô| alô?"),
    opening(Person, "padaria do Zé, bom dia"),
    opening(Person, "oi, agora não posso falar, tô dirigindo"),
    opening(Person, "alô, só um minutinho, espera aí"),
    opening(Person, "quem tá falando?"),
    opening(Person, "alô, é da firma?"),
    opening(Person, "oi, amor, já tô chegando em casa"),
    opening(Person, "alô, com quem você quer falar?"),
    opening(Person, "boa noite"),
    opening(Person, "oi| alô?| tem alguém aí?"),
    opening(Person, "alô, a ligação tá ruim, não tô ouvindo nada"),
    opening(
        Voicemail,
        "sua chamada está sendo encaminhada para a caixa postal e estará sujeita à cobrança após o sinal",
    ),
    opening(
        Voicemail,
        "você ligou para o número nove oito sete seis cinco quatro três dois um| grave seu recado após o bipe",
    ),
    opening(
        Voicemail,
        "oi, aqui é o Carlos, no momento não posso atender| deixe sua mensagem que eu retorno assim que possível",
    ),
    opening(
        Voicemail,
        "olá, você ligou para Marina, agora eu não consigo atender, mas deixa um recado que eu ligo de volta",
    ),
    opening(
        Voicemail,
        "esta é a secretária eletrônica de Paulo Souza, fale depois do sinal",
    ),
    opening(
        Voicemail,
        "a pessoa que você chamou não atende, deixe o seu recado depois de ouvir o sinal",
    ),
    opening(
        Voicemail,
        "bem vindo ao correio de voz, grave a sua mensagem e desligue quando terminar",
    ),
    opening(
        Voicemail,
        "este número está com a caixa de mensagens ativada, após o tom grave o seu recado",
    ),
    opening(
        Voicemail,
        "grave sua mensagem após o sinal| o tempo máximo é de um minuto",
    ),
    opening(Screening, "por favor, diga seu nome e o motivo da ligação"),
    opening(
        Screening,
        "a pessoa com quem você quer falar usa um serviço de filtro| diga quem está falando e por que está ligando",
    ),
    opening(
        Screening,
        "olá, informe o seu nome e o motivo da chamada, vou verificar se a pessoa está disponível",
    ),
    opening(
        Screening,
        "oi, a pessoa para quem você está ligando está usando um serviço de triagem do telefone, e vai receber uma cópia desta conversa",
    ),
    opening(
        Pbx,
        "bem vindo à clínica São Lucas| para agendar uma consulta digite um| para resultados de exames digite dois",
    ),
    opening(
        Pbx,
        "sua ligação é muito importante para nós, aguarde na linha para ser atendido",
    ),
    opening(
        Pbx,
        "no momento todos os nossos atendentes estão ocupados, por favor aguarde",
    ),
    opening(
        Pbx,
        "digite o ramal desejado ou aguarde para falar com a recepção",
    ),
    opening(
        Pbx,
        "você ligou para a transportadora Rápido Sul, para vendas tecle um, para o financeiro tecle dois",
    ),
    opening(
        NoSuchNumber,
        "o número chamado não existe| por favor, verifique o número e ligue novamente",
    ),
    opening(
        NoSuchNumber,
        "o número para o qual você ligou não está ativo, consulte a lista telefônica",
    ),
    opening(
        NoSuchNumber,
        "este número de telefone não existe, confira o número discado",
    ),
    opening(
        Unreachable,
        "o telefone chamado está desligado ou fora da área de cobertura",
    ),
    opening(
        Unreachable,
        "o celular chamado encontra-se desligado ou fora da área de serviço, tente mais tarde",
    ),
    opening(
        Unavailable,
        "este número está temporariamente indisponível, tente novamente mais tarde",
    ),
    opening(
        Unavailable,
        "este telefone está programado para não receber ligações",
    ),
    opening(
        Unavailable,
        "o número discado não está disponível no momento| tente mais tarde",
    ),
    opening(
        Unavailable,
        "sua chamada não pode ser completada, o cliente está ocupado em outra ligação",
    ),
    opening(Unavailable, "o assinante não pode receber esta chamada"),
];

/// Answers of which every one is made so often, and of each of the tones.
pub const PER_PERSON: u64 = 8;
pub const PER_MACHINE: u64 = 7;
pub const PER_TONE: u64 = 8;

/// One answered call: what it was, and what it was taken for.
#[derive(Clone, Debug, Serialize)]
pub struct Classified {
    pub was: Answer,
    pub words: String,
    pub verdict: Option<Verdict>,
}

impl Classified {
    /// What the call is treated as in the end.
    pub fn taken_for(&self) -> Answer {
        self.verdict
            .as_ref()
            .map_or(Answer::NotSure, |verdict| verdict.answer)
    }
}

/// The sound of each answer, in order.
pub fn all(seed: u64, voices: Voices<'_>) -> impl Iterator<Item = (Answer, String, Vec<i16>)> {
    let spoken = OPENINGS.iter().enumerate().flat_map(move |(at, opening)| {
        let times = if opening.answer == Person {
            PER_PERSON
        } else {
            PER_MACHINE
        };
        (0..times).map(move |nth| {
            let mut dice = Dice::new(seed ^ (at as u64) << 24 ^ nth << 8);
            let sound = speak(opening, &mut dice, voices);
            (opening.answer, opening.words.to_owned(), sound)
        })
    });
    let toned = (0..5_u64).flat_map(move |kind| {
        (0..PER_TONE).map(move |nth| {
            let mut dice = Dice::new(seed ^ 0xbeef << 32 ^ kind << 24 ^ nth);
            let (answer, name, sound) = tone(kind, &mut dice);
            (answer, name.to_owned(), worsen(&sound, &mut dice))
        })
    });
    spoken.chain(toned)
}

fn speak(opening: &Opening, dice: &mut Dice, voices: Voices<'_>) -> Vec<i16> {
    let voice = dice.below(64);
    let mut sound = vec![0; (RATE as u64 * (200 + dice.below(1_800)) / 1_000) as usize];
    for (n, piece) in opening.words.split('|').enumerate() {
        if n > 0 {
            let pause = 400 + dice.below(600);
            sound.resize(sound.len() + (u64::from(RATE) * pause / 1_000) as usize, 0);
        }
        sound.extend(voices(piece.trim(), voice));
    }
    if opening.answer == Voicemail && dice.below(10) < 7 {
        sound.resize(
            sound.len() + (RATE as u64 * (200 + dice.below(800)) / 1_000) as usize,
            0,
        );
        let hz = [400.0, 440.0, 620.0, 850.0, 1_000.0, 1_400.0][dice.below(6) as usize];
        sound.extend(noises::tones(&[(hz, 300 + dice.below(700))], -20.0));
    }
    // A person waits for an answer, and says hello again when there is none.
    if opening.answer == Person {
        sound.resize(sound.len() + RATE as usize * 3, 0);
        sound.extend(voices("alô?", voice));
    }
    let sound = noises::at_level(&sound, -30.0 + dice.below(14) as f64);
    worsen(&sound, dice)
}

fn tone(kind: u64, dice: &mut Dice) -> (Answer, &'static str, Vec<i16>) {
    let hz = 425.0 + 4.0 * dice.swing();
    let db = -28.0 + dice.below(12) as f64;
    let lead = (0.0, 200 + dice.below(800));
    match kind {
        0 => {
            let cycle = [(hz, 250), (0.0, 250)].repeat(12);
            (
                Unavailable,
                "(busy)",
                noises::tones(&[vec![lead], cycle].concat(), db),
            )
        }
        1 => {
            let cycle = [(1_100.0, 500), (0.0, 3_000)].repeat(2);
            (
                Fax,
                "(calling fax)",
                noises::tones(&[vec![lead], cycle].concat(), db),
            )
        }
        2 => (
            Fax,
            "(answering fax)",
            noises::tones(&[lead, (2_100.0, 3_000), (0.0, 500)], db),
        ),
        3 => (Silence, "(silence)", vec![0; RATE as usize * 9]),
        _ => (
            Unavailable,
            "(dial tone)",
            noises::tones(&[lead, (hz, 5_000)], db),
        ),
    }
}

/// A line: noise, a room with a television for some, A-law.
fn worsen(sound: &[i16], dice: &mut Dice) -> Vec<i16> {
    let noise = noises::white(
        sound.len() + RATE as usize * 2,
        -72.0 + dice.below(22) as f64,
        dice,
    );
    noise
        .iter()
        .enumerate()
        .map(|(n, noise)| {
            let sample = sound
                .get(n)
                .copied()
                .unwrap_or_default()
                .saturating_add(*noise);
            Law::A.decode(Law::A.encode(sample))
        })
        .collect()
}

/// Listens to an answer as a call does; gives the last verdict.
pub fn classify(amd: &mut Amd, sound: &[i16]) -> Option<Verdict> {
    let mut vad = Vad::new(Settings::default());
    let mut last = None;
    let frames = sound.as_chunks::<FRAME>().0;
    let silence = [0; FRAME];
    let limit = 16_000 / FRAME_MS as usize;
    for n in 0..limit {
        let frame = frames.get(n).unwrap_or(&silence);
        let voiced = vad.hear(frame);
        let now = Moment::from_millis((n as u64 + 1) * FRAME_MS);
        last = amd.hear(frame, voiced, now).or(last);
    }
    last
}

/// Which was taken for which, and the two shares that are promised.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AmdReport {
    pub openings: usize,
    pub confusion: BTreeMap<Answer, BTreeMap<Answer, usize>>,
    /// Of those who are persons, in per cent.
    pub persons_called_machine_percent: f64,
    /// Of machines, in per cent: taken for a person, or in doubt.
    pub machines_called_person_percent: f64,
    /// From the answer to the last verdict, at the median, by class.
    pub decided_ms: BTreeMap<Answer, u64>,
}

impl AmdReport {
    pub fn of(calls: &[Classified]) -> Self {
        let mut report = Self {
            openings: calls.len(),
            ..Self::default()
        };
        let mut times: BTreeMap<Answer, Vec<u64>> = BTreeMap::new();
        for call in calls {
            *report
                .confusion
                .entry(call.was)
                .or_default()
                .entry(call.taken_for())
                .or_default() += 1;
            times
                .entry(call.was)
                .or_default()
                .extend(call.verdict.as_ref().map(|verdict| verdict.at_ms));
        }
        for (answer, mut times) in times {
            times.sort_unstable();
            if let Some(median) = times.get(times.len() / 2) {
                report.decided_ms.insert(answer, *median);
            }
        }
        let share = |of: &dyn Fn(Answer) -> bool, wrong: &dyn Fn(Answer) -> bool| {
            let of: Vec<&Classified> = calls.iter().filter(|call| of(call.was)).collect();
            let wrong = of.iter().filter(|call| wrong(call.taken_for())).count();
            100.0 * wrong as f64 / of.len().max(1) as f64
        };
        report.persons_called_machine_percent =
            share(&|was| was == Person, &|taken| taken.is_machine());
        report.machines_called_person_percent =
            share(&|was| was.is_machine(), &|taken| !taken.is_machine());
        report
    }

    pub fn text(&self) -> String {
        let columns: std::collections::BTreeSet<Answer> = self
            .confusion
            .values()
            .flat_map(|row| row.keys().copied())
            .collect();
        let name = |answer: &Answer| format!("{answer:?}");
        let head: Vec<String> = columns.iter().map(|c| format!("{:>12}", name(c))).collect();
        let mut lines = vec![format!("{:<14}{}   decided", "was \\ taken", head.concat())];
        for (was, row) in &self.confusion {
            let cells: Vec<String> = columns
                .iter()
                .map(|c| format!("{:>12}", row.get(c).copied().unwrap_or_default()))
                .collect();
            let at = self.decided_ms.get(was).copied().unwrap_or_default();
            lines.push(format!("{:<14}{}   {at} ms", name(was), cells.concat()));
        }
        lines.push(format!(
            "{} openings: persons called machines {:.1} %, machines called persons {:.1} %",
            self.openings, self.persons_called_machine_percent, self.machines_called_person_percent
        ));
        lines.join("\n")
    }
}
