//! A script that changes on disk while a server runs.

#![expect(
    clippy::disallowed_methods,
    reason = "files are looked at by the clock"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use combinado::run::{Server, Sources};

use crate::calls::{REAL_TIME, server};

/// Waits until new calls begin with another version than `old`; `None` when it stays for as long as ten looks take.
async fn next_version(server: &Server, old: &str) -> Option<String> {
    for _ in 0..100 {
        let now = server.shared.kit.now().version.clone();
        if now != old {
            return Some(now);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}

fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("fluxo.toml");
    let text = fs::read_to_string(&path).expect("the flow");
    assert!(text.contains(from));
    fs::write(path, text.replacen(from, to, 1)).expect("writable");
}

#[test]
#[ignore = "half a minute: a broken script is watched for as long as ten looks take"]
fn a_changed_script_is_taken_up_once_it_is_right() {
    let _alone = REAL_TIME.lock();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("script");
        fs::create_dir(&script).expect("a folder");
        let built_in =
            Sources::gather(&combinado::config::Config::default().agent).expect("sources");
        for (name, text) in &built_in.script {
            fs::write(script.join(name), text).expect("writable");
        }
        let server = server(folder.path(), |config| {
            config.agent.script = Some(script.clone())
        })
        .await;
        let first = server.shared.kit.now();
        change(&script, "limit_s = 360", "limit_s = 300");
        let second = next_version(&server, &first.version)
            .await
            .expect("it is taken up");
        assert_eq!(server.shared.kit.now().script.script.limit_s, 300);
        assert_eq!(
            first.script.script.limit_s, 360,
            "a call keeps the version it began with"
        );
        // The debt before the check: this one does not load.
        change(&script, "confere = \"calcula\"", "confere = \"expoe\"");
        assert_eq!(next_version(&server, &second).await, None);
        change(&script, "confere = \"expoe\"", "confere = \"calcula\"");
        change(&script, "limit_s = 300", "limit_s = 320");
        assert!(
            next_version(&server, &second).await.is_some(),
            "mended, it is taken up"
        );
        server.shut_down().await;
    });
}
