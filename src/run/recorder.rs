//! Recordings and input logs: one thread writes the files of all calls, a second of sound at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::base::CallId;
use crate::ledger::Recording;
use crate::media::wav::{Side, StereoWriter};
use crate::mind::dialogue::Brief;

/// Jobs that may wait: a second of sound of each of a thousand calls.
const WAITING: usize = 4_096;
const MAGIC: &[u8; 8] = b"CMBLOG1\0";

/// What a log begins with: enough to make the same call again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogHeader {
    pub brief: Brief,
    /// The version of script, grammars and policy ([`super::kit::Kit::version`]).
    pub kit: String,
    /// Sound on the wire that cannot be taken back, in milliseconds.
    pub in_flight_ms: u32,
    /// The wire says what it has played.
    #[serde(default)]
    pub marks: bool,
    /// What was not understood could be written down.
    #[serde(default)]
    pub transcriber: bool,
}

/// What the thread is asked to do.
enum Job {
    Open {
        call: CallId,
        wav: PathBuf,
        log: PathBuf,
        header: Box<LogHeader>,
    },
    Second {
        call: CallId,
        at: u64,
        caller: Vec<i16>,
        agent: Vec<i16>,
        log: Vec<u8>,
    },
    Close {
        call: CallId,
        told: oneshot::Sender<Option<Recording>>,
    },
}

/// A handle to the thread.
#[derive(Clone)]
pub struct Recorder {
    queue: SyncSender<Job>,
    folder: PathBuf,
}

struct Files {
    wav: StereoWriter<BufWriter<File>>,
    path: PathBuf,
    log: GzEncoder<BufWriter<File>>,
}

impl Recorder {
    /// Starts the thread. Files go to `folder`, made if it does not exist.
    ///
    /// # Errors
    /// The folder cannot be made, or the thread cannot be started.
    pub fn start(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (queue, jobs) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || work(&jobs))?;
        Ok(Self {
            queue,
            folder: folder.to_owned(),
        })
    }

    pub fn log_path(&self, call: CallId) -> PathBuf {
        self.folder.join(format!("{call}.log.gz"))
    }

    pub fn open(&self, call: CallId, header: LogHeader) {
        let wav = self.folder.join(format!("{call}.wav"));
        self.send(Job::Open {
            call,
            wav,
            log: self.log_path(call),
            header: Box::new(header),
        });
    }

    /// A stretch of both sides that begins at sample `at`.
    pub fn second(&self, call: CallId, at: u64, caller: Vec<i16>, agent: Vec<i16>, log: Vec<u8>) {
        self.send(Job::Second {
            call,
            at,
            caller,
            agent,
            log,
        });
    }

    /// Finishes the files, and tells what became of them.
    pub async fn close(&self, call: CallId) -> Option<Recording> {
        let (told, done) = oneshot::channel();
        self.send(Job::Close { call, told });
        done.await.ok().flatten()
    }

    fn send(&self, job: Job) {
        // The queue holds a second of every call that one machine can carry; when even that is full the disk has
        // stopped, and calls matter more than their recordings.
        if self.queue.try_send(job).is_err() {
            crate::telemetry::RecordingLost.emit();
        }
    }
}

fn work(jobs: &Receiver<Job>) {
    let mut open: BTreeMap<CallId, Files> = BTreeMap::new();
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Open {
                call,
                wav,
                log,
                header,
            } => match start(&wav, &log, &header) {
                Ok(files) => {
                    open.insert(call, files);
                }
                Err(error) => crate::telemetry::FileFailed {
                    what: "recording",
                    reason: error.to_string(),
                }
                .emit(),
            },
            Job::Second {
                call,
                at,
                caller,
                agent,
                log,
            } => {
                let Some(files) = open.get_mut(&call) else {
                    continue;
                };
                let written = files
                    .wav
                    .place(Side::Caller, at, &caller)
                    .and_then(|()| files.wav.place(Side::Agent, at, &agent))
                    .map_err(|error| error.to_string())
                    .and_then(|()| {
                        files
                            .log
                            .write_all(&log)
                            .and_then(|()| files.log.flush())
                            .map_err(|error| error.to_string())
                    });
                if let Err(reason) = written {
                    crate::telemetry::FileFailed {
                        what: "recording",
                        reason,
                    }
                    .emit();
                    open.remove(&call);
                }
            }
            Job::Close { call, told } => {
                let finished = open.remove(&call).and_then(|files| finish(files).ok());
                // The line may have gone; the files are whole all the same.
                let _ = told.send(finished);
            }
        }
    }
}

fn start(wav: &Path, log: &Path, header: &LogHeader) -> Result<Files, Box<dyn std::error::Error>> {
    let sink = BufWriter::new(private(wav)?);
    let mut encoder = GzEncoder::new(BufWriter::new(private(log)?), Compression::fast());
    write_log(&mut encoder, header, &[])?;
    Ok(Files {
        wav: StereoWriter::new(sink)?,
        path: wav.to_owned(),
        log: encoder,
    })
}

/// A new file that only its owner reads: it holds a voice, or what was said.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn finish(files: Files) -> Result<Recording, Box<dyn std::error::Error>> {
    files.log.finish()?.flush()?;
    let samples = files.wav.finish()?;
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(&files.path)?, &mut HashWriter(&mut hash))?;
    let sha256 = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = files
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(Recording {
        path: name,
        samples,
        offset_ms: 0,
        sha256,
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a log: its header, then records that were encoded before.
///
/// # Errors
/// The sink cannot be written to.
pub fn write_log(sink: &mut impl Write, header: &LogHeader, records: &[u8]) -> std::io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = u32::try_from(header.len()).map_err(std::io::Error::other)?;
    sink.write_all(MAGIC)?;
    sink.write_all(&length.to_le_bytes())?;
    sink.write_all(&header)?;
    sink.write_all(records)
}

/// Reads a log: its header, and the bytes of its records. A log that breaks off is read as far as it goes.
///
/// # Errors
/// A file that cannot be opened, or is no log.
pub fn read_log(path: &Path) -> std::io::Result<(LogHeader, Vec<u8>)> {
    let mut bytes = Vec::new();
    // A server that was killed leaves a stream without an end: what came before is good.
    let outcome = GzDecoder::new(File::open(path)?).read_to_end(&mut bytes);
    let invalid = |what: &str| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("{} {what}", path.display()),
        )
    };
    let Some(rest) = bytes.strip_prefix(MAGIC.as_slice()) else {
        return Err(outcome
            .err()
            .unwrap_or_else(|| invalid("is no log of a call")));
    };
    let (length, rest) = rest
        .split_first_chunk::<4>()
        .ok_or_else(|| invalid("ends in its header"))?;
    let (header, records) = rest
        .split_at_checked(u32::from_le_bytes(*length) as usize)
        .ok_or_else(|| invalid("ends in its header"))?;
    Ok((serde_json::from_slice(header)?, records.to_vec()))
}
