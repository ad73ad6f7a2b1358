//! A private PostgreSQL for the tests: a cluster in a temporary folder, on a free port of the loopback interface.
//!
//! It is started once for the test run and ends with it, even when the run is killed: a shell stands between, which
//! stops the server and removes the folder when the pipe from us closes.
#![expect(
    clippy::disallowed_methods,
    reason = "a server of another process is waited for"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use combinado::ledger::Ledger;
use sqlx::{AssertSqlSafe, Connection};

/// Runs what was initialised, until standard input closes.
const GUARD: &str = r#""$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 >"$2/log" 2>&1 <&- &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2""#;

/// A fresh, migrated database on the private server, and its address. `None` when the tests were told to do without.
pub async fn database() -> Option<(Ledger, String)> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let port = (*server())?;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let server = format!("postgres://combinado@127.0.0.1:{port}");
    let mut connection = answered(&format!("{server}/postgres")).await;
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&mut connection)
        .await
        .expect("a new database");
    let url = format!("{server}/{name}");
    Some((Ledger::open(&url).await.expect("the ledger opens"), url))
}

/// A connection, once the server takes any: its port is open before that.
async fn answered(url: &str) -> sqlx::PgConnection {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        match sqlx::PgConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(
                Instant::now() < patience,
                "the private server answers: {error}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The port of the private server.
fn server() -> &'static Option<u16> {
    static SERVER: OnceLock<Option<u16>> = OnceLock::new();
    SERVER.get_or_init(|| {
        if std::env::var("COMBINADO_WITHOUT_POSTGRES").is_ok_and(|value| value == "1") {
            return None;
        }
        let Some(programs) = programs() else {
            panic!(
                "these tests need PostgreSQL's own programs: install the package postgresql (Debian, Ubuntu), \
                    or set COMBINADO_WITHOUT_POSTGRES=1 to test SQLite only"
            );
        };
        Some(start(&programs))
    })
}

/// The newest installed version's folder of programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin): &(u32, PathBuf)| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

fn start(programs: &Path) -> u16 {
    let folder = tempfile::Builder::new()
        .prefix("combinado-pg")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    let owner = other_user();
    if let Some((user, group)) = owner {
        chown(&folder, Some(user), Some(group)).expect("giving the folder away");
    }
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.arg("-D").arg(folder.join("data"));
    initdb.args([
        "-A",
        "trust",
        "-U",
        "combinado",
        "--no-sync",
        "--locale=C",
        "-E",
        "UTF8",
    ]);
    let done = as_user(&mut initdb, owner)
        .current_dir(&folder)
        .output()
        .expect("initdb runs");
    assert!(
        done.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    let port = free_port();
    let mut guard = Command::new("/bin/sh");
    guard
        .args(["-c", GUARD, "guard"])
        .arg(programs)
        .arg(&folder)
        .arg(port.to_string());
    guard
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let guard = as_user(&mut guard, owner)
        .current_dir("/")
        .spawn()
        .expect("the server starts");
    wait_for(port, &folder);
    // The pipe to it stays open as long as this process lives.
    std::mem::forget(guard);
    port
}

/// PostgreSQL refuses to run as root; then its package's user runs it, or nobody.
fn other_user() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    root.then(|| {
        entry("postgres")
            .or_else(|| entry("nobody"))
            .expect("a user who is not root")
    })
}

fn as_user(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn wait_for(port: u16, folder: &Path) {
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "PostgreSQL does not start: {}",
            log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
