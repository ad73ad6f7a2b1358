//! `combinado bench calls`: many callers at once over Twilio's framing, or over SIP, on loopback.
//!
//! The callers run in a process of their own, so that processor time and memory of this one are the server's alone.

use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Exit, Output};
use crate::call::Latency;
use crate::sim::load::{Asked, Load, LoadReport, Span, run_load};
use crate::sim::repertoire::Repertoire;
use crate::sim::report::Percentiles;

#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Ligações ao mesmo tempo / calls at the same time
    #[arg(long, default_value_t = 50)]
    pub concurrent: usize,
    /// Segundos de medição / seconds of measurement
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// O que cada pessoa diz depois de cada pergunta; sem nada, respostas certas / what each caller says after each prompt
    #[arg(long, value_name = "FILE.wav")]
    pub wav: Option<PathBuf>,
    /// Por SIP e RTP em vez de Twilio / over SIP and RTP
    #[arg(long)]
    pub sip: bool,
    /// A process of callers only, for a server that runs already.
    #[arg(long, hide = true)]
    pub callers_at: Option<String>,
}

/// What the command prints.
#[derive(Debug, Serialize)]
pub struct Report {
    pub concurrent: usize,
    pub seconds: u64,
    #[serde(flatten)]
    pub callers: LoadReport,
    /// Answers as the server timed them, to the moment at which the first sound is handed to the line.
    pub answers: usize,
    pub server_ms: Percentiles,
    pub endpoint_ms: Percentiles,
    pub voice_ms: Percentiles,
    /// Mean computing time of the step in which an answer is decided.
    pub decide_ms: Option<f64>,
    /// What the wire adds at the median, both ways, with the caller's own buffer.
    pub wire_ms: i64,
    /// Processor time of the server for a second of one call.
    pub cpu_ms_per_call_second: Option<f64>,
    /// Calls that one core would carry at that price.
    pub calls_per_core: Option<f64>,
    /// Growth of the server's resident memory for each call.
    pub memory_kb_per_call: Option<f64>,
}

/// The server that is measured.
pub struct Target {
    pub http: SocketAddr,
    pub sip: Option<SocketAddr>,
    /// Who is asked what: the number that calls, and the state of its conversation.
    pub asked: std::sync::mpsc::Receiver<(String, String)>,
    /// The server's own times of answers.
    pub answers: std::sync::Arc<parking_lot::Mutex<Vec<Latency>>>,
}

/// Measures a server that `start` brings up in this process; it says where its HTTP port is and runs on.
/// `speech` gives what callers say: the file that was named, or a short answer in the server's own voice.
///
/// # Errors
/// When the server does not start, or the callers fail.
pub fn run<F>(
    args: &Args,
    out: Output,
    repertoire: impl FnOnce() -> anyhow::Result<Repertoire>,
    start: impl FnOnce() -> F,
) -> anyhow::Result<Exit>
where
    F: Future<Output = anyhow::Result<Target>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Some(url) = &args.callers_at {
        let load = Load {
            url: url.clone(),
            concurrent: args.concurrent,
            warm_up: Duration::from_secs(12),
            settle: Duration::from_secs(3),
            measured: Duration::from_secs(args.seconds),
            repertoire: repertoire()?,
            asked: hear_questions(),
        };
        runtime.block_on(run_load(&load, tell_parent));
        return Ok(Exit::Ok);
    }
    let target = runtime
        .block_on(start())
        .context("starting the server to be measured")?;
    let url = match target.sip.filter(|_| args.sip) {
        Some(sip) => format!("sip:agente@{sip}"),
        None => format!("ws://{}{}", target.http, crate::wire::twilio::MEDIA_PATH),
    };
    let report = measure(args, &url, target)?;
    out.record(&report, || report.to_human());
    runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(if report.callers.connected > 0 {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

/// The parent says who is asked what, a line each: number, tabulator, state.
fn hear_questions() -> Asked {
    let asked = Asked::default();
    let map = asked.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Some((from, state)) = line.split_once('\t') {
                map.lock().insert(from.to_owned(), state.to_owned());
            }
        }
    });
    asked
}

/// What the process of callers tells its parent, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    At(Span),
    Over(LoadReport),
}

fn tell_parent(span: Span, report: Option<&LoadReport>) {
    let word = report.cloned().map_or(Word::At(span), Word::Over);
    println!(
        "{}",
        serde_json::to_string(&word).expect("numbers are JSON")
    );
}

/// Lets a child process call, and reads this process' meters when the child says so.
fn measure(args: &Args, url: &str, target: Target) -> anyhow::Result<Report> {
    let mut child = Callers::start(args, url)?;
    if let Some(mut stdin) = child.child.stdin.take() {
        let asked = target.asked;
        std::thread::spawn(move || {
            // The callers may have gone.
            while let Ok((from, state)) = asked.recv()
                && writeln!(stdin, "{from}\t{state}").is_ok()
            {}
        });
    }
    let answers = target.answers;
    let mut decided = Decided::default();
    let (mut idle, mut begun, mut ended) =
        (Meters::default(), Meters::default(), Meters::default());
    let callers = loop {
        match child.next_word()? {
            Word::At(Span::Warm) => idle = Meters::read(),
            Word::At(Span::Connected) => {
                begun = Meters::read();
                answers.lock().clear();
                decided = Decided::read();
            }
            Word::At(Span::Ending) => ended = Meters::read(),
            Word::Over(report) => break report,
        }
    };
    let calls = callers.connected.max(1) as f64;
    let cpu_ms = ended
        .cpu_ms
        .zip(begun.cpu_ms)
        .map(|(after, before)| after - before);
    let cpu_ms = cpu_ms.map(|ms| ms / callers.call_seconds.max(1.0));
    let memory = ended
        .memory_kb
        .zip(idle.memory_kb)
        .map(|(after, before)| (after - before) / calls);
    let answers = std::mem::take(&mut *answers.lock());
    let times = |part: fn(&Latency) -> u64| {
        Percentiles::of(&answers.iter().map(part).collect::<Vec<u64>>())
    };
    let server_ms = times(|answer| answer.total_ms);
    let wire_ms = callers.response_ms.p50 as i64 - server_ms.p50 as i64;
    Ok(Report {
        answers: answers.len(),
        server_ms,
        endpoint_ms: times(|answer| answer.endpoint_ms),
        voice_ms: times(|answer| answer.voice_ms),
        decide_ms: Decided::read().mean_since(&decided),
        wire_ms,
        concurrent: args.concurrent,
        seconds: args.seconds,
        callers,
        cpu_ms_per_call_second: cpu_ms,
        calls_per_core: cpu_ms.map(|ms| 1_000.0 / ms.max(0.001)),
        memory_kb_per_call: memory,
    })
}

struct Callers {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Callers {
    fn start(args: &Args, url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("finding this program")?);
        command.args(["bench", "calls", "--callers-at", url]);
        command.args([
            "--concurrent",
            &args.concurrent.to_string(),
            "--seconds",
            &args.seconds.to_string(),
        ]);
        if let Some(wav) = &args.wav {
            command.arg("--wav").arg(wav);
        }
        if args.sip {
            command.arg("--sip");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the process of callers")?;
        let stdout = child.stdout.take().context("the callers have no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    fn next_word(&mut self) -> anyhow::Result<Word> {
        let line = self.lines.next().context("the callers ended early")??;
        serde_json::from_str(&line).context("the callers said something else")
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        // Its last word is spoken; whatever it still does is of no use.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers decided so far and the computing time of all of them, from the server's own metrics.
#[derive(Clone, Copy, Debug, Default)]
struct Decided {
    answers: f64,
    ms: f64,
}

impl Decided {
    fn read() -> Self {
        let text = crate::telemetry::exposition();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok())
                .unwrap_or_default()
        };
        Self {
            answers: value("combinado_turn_latency_ms_count "),
            ms: value("combinado_turn_stage_ms_total{stage=\"decide\"} "),
        }
    }

    fn mean_since(&self, before: &Self) -> Option<f64> {
        let answers = self.answers - before.answers;
        (answers > 0.0).then(|| (self.ms - before.ms) / answers)
    }
}

/// What this process has used so far; nothing where there is no `/proc`.
#[derive(Clone, Copy, Debug, Default)]
struct Meters {
    cpu_ms: Option<f64>,
    memory_kb: Option<f64>,
}

impl Meters {
    fn read() -> Self {
        let file = |name| std::fs::read_to_string(name).ok();
        Self {
            cpu_ms: file("/proc/self/stat").and_then(|stat| cpu_ms(&stat)),
            memory_kb: file("/proc/self/statm").and_then(|statm| resident_kb(&statm)),
        }
    }
}

/// User and system time of `/proc/self/stat` (proc_pid_stat(5), fields 14 and 15), in clock ticks of 10 ms.
fn cpu_ms(stat: &str) -> Option<f64> {
    // The program's name, field 2, may hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) * 10.0)
}

/// Resident pages of `/proc/self/statm` (proc_pid_statm(5), field 2), of 4 KiB.
fn resident_kb(statm: &str) -> Option<f64> {
    statm
        .split_whitespace()
        .nth(1)?
        .parse::<f64>()
        .ok()
        .map(|pages| pages * 4.0)
}

impl Report {
    fn to_human(&self) -> String {
        let callers = &self.callers;
        let number = |value: Option<f64>| {
            value.map_or_else(|| "?".to_owned(), |value| format!("{value:.2}"))
        };
        [
            format!(
                "calls                      {} of {} connected, {} s",
                callers.connected, self.concurrent, self.seconds
            ),
            format!("answer -> first sound      {}", callers.greeting_ms),
            format!("end of speech -> answer    {}", callers.response_ms),
            format!(
                "  of these, in the server  p50 {} ms, p95 {} ms (n = {}): endpoint {} / {}, decide {} (mean), voice {} / {}; wire about {} ms",
                self.server_ms.p50,
                self.server_ms.p95,
                self.answers,
                self.endpoint_ms.p50,
                self.endpoint_ms.p95,
                number(self.decide_ms),
                self.voice_ms.p50,
                self.voice_ms.p95,
                self.wire_ms
            ),
            format!(
                "answered too early         {} of {} without a pause, {} of {} with one of 300-500 ms",
                callers.early, callers.closed, callers.paused_early, callers.paused
            ),
            format!("other answers              {}", callers.other_ms),
            format!("barge-in -> silence        {}", callers.barge_in_ms),
            format!("frames later than 60 ms    {:.3} %", callers.late_percent),
            format!(
                "CPU per call-second        {} ms",
                number(self.cpu_ms_per_call_second)
            ),
            format!("calls per core             {}", number(self.calls_per_core)),
            format!(
                "memory per call            {} kB",
                number(self.memory_kb_per_call)
            ),
        ]
        .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_read_what_proc_writes() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 8 7 6 250 50 0 0 20 0 4 0 100 1 2";
        assert_eq!(cpu_ms(stat), Some(3_000.0));
        assert_eq!(resident_kb("500 25 3 1 0 2 0"), Some(100.0));
        assert_eq!((cpu_ms("nonsense"), resident_kb("")), (None, None));
    }

    #[test]
    fn words_between_the_processes_are_whole() {
        let text = serde_json::to_string(&Word::At(Span::Connected)).expect("JSON");
        assert!(matches!(
            serde_json::from_str(&text),
            Ok(Word::At(Span::Connected))
        ));
        let text = serde_json::to_string(&Word::Over(LoadReport::default())).expect("JSON");
        assert!(matches!(serde_json::from_str(&text), Ok(Word::Over(_))));
    }
}
