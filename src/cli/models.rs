//! `combinado models`: the engines' files, what they are, and whether they are the right ones.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Exit, Output};

/// The list in the box.
const LIST: &str = include_str!("../../models/models.toml");
/// A server that says nothing for so long is gone.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Modelos de fala: lista, confere, acrescenta e baixa. / Speech models: list, verify, add, fetch.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pasta dos modelos. / Folder of the models. Default: $XDG_DATA_HOME/combinado/models
    #[arg(long, global = true, env = "COMBINADO_MODELS", value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// O que existe e o que está instalado. / What there is, and what is installed.
    List,
    /// Confere os arquivos instalados (SHA-256). / Checks the installed files.
    Verify {
        /// Só estes. / Only these.
        names: Vec<String>,
    },
    /// Copia arquivos já baixados para a pasta, se forem os certos. / Copies files into the folder, if they are the right ones.
    Add {
        name: String,
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Baixa um modelo e o confere. / Downloads a model and checks it.
    Fetch {
        name: String,
        /// Aceita um arquivo de soma desconhecida. / Takes a file whose checksum is not known here.
        #[arg(long)]
        unchecked: bool,
    },
}

#[derive(Deserialize)]
struct List {
    model: Vec<Model>,
}

/// One entry of `models.toml`, where the fields are explained.
#[derive(Deserialize)]
struct Model {
    name: String,
    kind: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    licence: String,
    #[serde(default)]
    card: String,
    #[serde(default)]
    fetch: bool,
    file: Vec<ModelFile>,
}

#[derive(Deserialize)]
struct ModelFile {
    name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    sha256: String,
}

/// How a file stands against the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Part of the program.
    BuiltIn,
    /// There, and the right one.
    Installed,
    /// There, with nothing to check it against.
    Unchecked,
    Missing,
    /// There, and not what the list says.
    Damaged,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    kind: &'a str,
    about: &'a str,
    licence: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    card: &'a str,
    state: State,
    files: Vec<FileRow<'a>>,
}

#[derive(Serialize)]
struct FileRow<'a> {
    name: &'a str,
    path: PathBuf,
    bytes: u64,
    sha256: &'a str,
    url: &'a str,
    state: State,
}

pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let list: List = toml::from_str(LIST).context("reading the list of models in the box")?;
    let folder = args.dir.clone().unwrap_or_else(default_folder);
    match &args.command {
        Command::List => {
            for model in &list.model {
                show(&row(model, &folder, Depth::Size)?, out);
            }
            Ok(Exit::Ok)
        }
        Command::Verify { names } => verify(&list, &folder, names, out),
        Command::Add { name, files } => with(&list, name, |model| add(model, &folder, files, out)),
        Command::Fetch { name, unchecked } => {
            with(&list, name, |model| fetch(model, &folder, *unchecked, out))
        }
    }
}

/// Where models lie when nobody says otherwise.
pub fn default_folder() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let data = from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")));
    data.map_or_else(
        || PathBuf::from("models"),
        |data| data.join("combinado/models"),
    )
}

/// How closely files are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Size,
    Checksum,
}

fn with(
    list: &List,
    name: &str,
    act: impl FnOnce(&Model) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let Some(model) = list.model.iter().find(|model| model.name == name) else {
        let names: Vec<&str> = list.model.iter().map(|model| model.name.as_str()).collect();
        eprintln!(
            "não há modelo {name} (there is no such model): {}",
            names.join(", ")
        );
        return Ok(Exit::Usage);
    };
    if model.fetch {
        return act(model);
    }
    eprintln!("{name} já faz parte do programa (is part of the program)");
    Ok(Exit::Ok)
}

fn verify(list: &List, folder: &Path, names: &[String], out: Output) -> anyhow::Result<Exit> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !list.model.iter().any(|model| model.name == **name))
    {
        return with(list, unknown, |_| Ok(Exit::Usage));
    }
    let mut findings = false;
    for model in list
        .model
        .iter()
        .filter(|model| names.is_empty() || names.contains(&model.name))
    {
        let row = row(model, folder, Depth::Checksum)?;
        findings |=
            row.state == State::Damaged || (row.state == State::Missing && !names.is_empty());
        show(&row, out);
    }
    Ok(if findings { Exit::Findings } else { Exit::Ok })
}

fn add(model: &Model, folder: &Path, files: &[PathBuf], out: Output) -> anyhow::Result<Exit> {
    for path in files {
        let wanted = path
            .file_name()
            .and_then(|name| model.file.iter().find(|file| *name == *file.name));
        // A model of one file may be called anything.
        let only = (model.file.len() == 1).then(|| &model.file[0]);
        let Some(file) = wanted.or(only) else {
            let names: Vec<&str> = model.file.iter().map(|file| file.name.as_str()).collect();
            eprintln!(
                "{}: {} tem os arquivos (has the files) {}",
                path.display(),
                model.name,
                names.join(", ")
            );
            return Ok(Exit::Usage);
        };
        let source = fs::File::open(path).with_context(|| format!("reading {}", path.display()))?;
        let mut target = Arrival::new(folder, file)?;
        target
            .copy(source)
            .with_context(|| format!("copying {}", path.display()))?;
        if let Err(wrong) = target.accept() {
            eprintln!("{}: {wrong}", path.display());
            return Ok(Exit::Failure);
        }
    }
    show(&row(model, folder, Depth::Size)?, out);
    Ok(Exit::Ok)
}

fn fetch(model: &Model, folder: &Path, unchecked: bool, out: Output) -> anyhow::Result<Exit> {
    if let Some(file) = model
        .file
        .iter()
        .find(|file| file.sha256.is_empty() && !unchecked)
    {
        eprintln!(
            "{}: a soma SHA-256 não é conhecida aqui; com --unchecked o arquivo é aceito como vier (checksum unknown)",
            file.name
        );
        return Ok(Exit::Failure);
    }
    // A second initialisation is refused, and is as good as the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the network")?;
    for file in model.file.iter().filter(|file| {
        state(file, folder, Depth::Checksum).is_ok_and(|state| state != State::Installed)
    }) {
        eprintln!(
            "{} ({} MB) de {}",
            file.name,
            file.bytes.div_ceil(1_000_000),
            file.url
        );
        let mut target = Arrival::new(folder, file)?;
        if let Err(error) = runtime.block_on(download(&file.url, &mut target)) {
            eprintln!("não foi possível baixar (cannot download): {error:#}");
            eprintln!(
                "Baixe {} em outra máquina e use `combinado models add {} {}`.",
                file.url, model.name, file.name
            );
            return Ok(Exit::Unavailable);
        }
        if let Err(wrong) = target.accept() {
            eprintln!("{}: {wrong}", file.name);
            return Ok(Exit::Failure);
        }
    }
    show(&row(model, folder, Depth::Size)?, out);
    Ok(Exit::Ok)
}

async fn download(url: &str, target: &mut Arrival<'_>) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .connect_timeout(SILENCE)
        .read_timeout(SILENCE)
        .build()?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    while let Some(piece) = response.chunk().await? {
        target.write(&piece)?;
    }
    Ok(())
}

/// A file on its way into the folder: it takes its name only when its checksum is right.
struct Arrival<'a> {
    wanted: &'a ModelFile,
    place: PathBuf,
    part: PathBuf,
    file: fs::File,
    hash: Sha256,
    bytes: u64,
}

impl<'a> Arrival<'a> {
    fn new(folder: &Path, wanted: &'a ModelFile) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        let place = folder.join(&wanted.name);
        let part = folder.join(format!("{}.part", wanted.name));
        let file =
            fs::File::create(&part).with_context(|| format!("writing {}", part.display()))?;
        Ok(Self {
            wanted,
            place,
            part,
            file,
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece)
    }

    fn copy(&mut self, mut source: impl Read) -> io::Result<()> {
        let mut piece = vec![0; 1 << 16];
        loop {
            match source.read(&mut piece)? {
                0 => return Ok(()),
                length => self.write(&piece[..length])?,
            }
        }
    }

    /// Puts the file in its place, or tells why it is not the right one.
    fn accept(mut self) -> Result<(), String> {
        let sum = hex(&std::mem::take(&mut self.hash).finalize());
        if !self.wanted.sha256.is_empty() && self.wanted.sha256 != sum {
            return Err(format!(
                "SHA-256 {sum}, {} bytes; esperado (expected) {}",
                self.bytes, self.wanted.sha256
            ));
        }
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.part, &self.place))
            .map_err(|error| error.to_string())
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        // Gone already when it was accepted.
        let _ = fs::remove_file(&self.part);
    }
}

fn row<'a>(model: &'a Model, folder: &Path, depth: Depth) -> anyhow::Result<Row<'a>> {
    let mut files = Vec::new();
    for file in &model.file {
        let state = if model.fetch {
            state(file, folder, depth)?
        } else {
            State::BuiltIn
        };
        let path = if model.fetch {
            folder.join(&file.name)
        } else {
            PathBuf::new()
        };
        files.push(FileRow {
            name: &file.name,
            path,
            bytes: file.bytes,
            sha256: &file.sha256,
            url: &file.url,
            state,
        });
    }
    let state = files
        .iter()
        .map(|file| file.state)
        .max()
        .unwrap_or(State::Missing);
    Ok(Row {
        name: &model.name,
        kind: &model.kind,
        about: &model.about,
        licence: &model.licence,
        card: &model.card,
        state,
        files,
    })
}

fn state(file: &ModelFile, folder: &Path, depth: Depth) -> anyhow::Result<State> {
    let path = folder.join(&file.name);
    let Ok(found) = fs::metadata(&path) else {
        return Ok(State::Missing);
    };
    if file.sha256.is_empty() {
        return Ok(State::Unchecked);
    }
    let right = match depth {
        Depth::Size => found.len() == file.bytes,
        Depth::Checksum => {
            checksum(&path).with_context(|| format!("reading {}", path.display()))? == file.sha256
        }
    };
    Ok(if right {
        State::Installed
    } else {
        State::Damaged
    })
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut source = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&piece[..length]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn show(row: &Row<'_>, out: Output) {
    out.record(row, || {
        let megabytes = row.files.iter().map(|file| file.bytes).sum::<u64>() as f64 / 1e6;
        let state = match row.state {
            State::BuiltIn => "no programa",
            State::Installed => "instalado",
            State::Unchecked => "instalado, sem soma para conferir",
            State::Missing => "não instalado",
            State::Damaged => "DANIFICADO",
        };
        let licence = if row.licence.is_empty() {
            row.card
        } else {
            row.licence
        };
        format!(
            "{:<20} {:<9} {megabytes:>6.1} MB  {state}\n    {} [{licence}]",
            row.name, row.kind, row.about
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Output = Output { json: true };

    fn model(sha256: &str) -> Model {
        let file = |name: &str, sha256: &str| ModelFile {
            name: name.to_owned(),
            url: "http://127.0.0.1:9/x".to_owned(),
            bytes: 3,
            sha256: sha256.to_owned(),
        };
        Model {
            name: "test".to_owned(),
            kind: "whisper".to_owned(),
            about: String::new(),
            licence: "MIT".to_owned(),
            card: String::new(),
            fetch: true,
            file: vec![file("a.bin", sha256), file("b.bin", "")],
        }
    }

    /// Of the bytes `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_list_in_the_box_is_sound() {
        let list: List = toml::from_str(LIST).expect("the list is TOML");
        for file in list
            .model
            .iter()
            .filter(|model| model.fetch)
            .flat_map(|model| &model.file)
        {
            assert!(file.url.starts_with("https://"), "{}", file.name);
            assert!(
                file.sha256.is_empty() || file.sha256.len() == 64,
                "{}",
                file.name
            );
            assert!(!file.name.contains('/'), "{}", file.name);
        }
    }

    #[test]
    fn only_the_right_file_is_added() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let elsewhere = tempfile::tempdir().expect("a temporary directory");
        let source = elsewhere.path().join("a.bin");
        fs::write(&source, b"abd").expect("writable");
        let add = |model: &Model| {
            add(model, folder.path(), std::slice::from_ref(&source), QUIET).expect("no surprise")
        };
        assert_eq!(add(&model(ABC)), Exit::Failure);
        assert_eq!(
            fs::read_dir(folder.path()).expect("readable").count(),
            0,
            "nothing is left behind"
        );
        fs::write(&source, b"abc").expect("writable");
        assert_eq!(add(&model(ABC)), Exit::Ok);
        assert_eq!(
            state(&model(ABC).file[0], folder.path(), Depth::Checksum).expect("readable"),
            State::Installed
        );
        fs::write(folder.path().join("a.bin"), b"abx").expect("writable");
        assert_eq!(
            state(&model(ABC).file[0], folder.path(), Depth::Checksum).expect("readable"),
            State::Damaged
        );
        assert_eq!(
            row(&model(ABC), folder.path(), Depth::Checksum)
                .expect("readable")
                .state,
            State::Damaged
        );
    }

    #[test]
    fn without_a_network_fetching_says_so() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(
            fetch(&model(ABC), folder.path(), false, QUIET).expect("no surprise"),
            Exit::Failure,
            "b.bin has no checksum"
        );
        assert_eq!(
            fetch(&model(ABC), folder.path(), true, QUIET).expect("no surprise"),
            Exit::Unavailable
        );
        assert_eq!(
            fs::read_dir(folder.path()).expect("readable").count(),
            0,
            "nothing is left behind"
        );
    }
}
