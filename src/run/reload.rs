//! A script that changes on disk is taken up by new calls once it is right; until then the old one goes on.
#![expect(
    clippy::disallowed_methods,
    reason = "files are looked at by the clock"
)]

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::exchange::Shared;
use super::kit::{Kit, KitError, Sources};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks after script, grammars and policy until `stop`. Without files of its own an installation has nothing to reload.
pub async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let agent = &shared.config.agent;
    if agent.script.is_none() && agent.grammars.is_none() && agent.policy.is_none() {
        return;
    }
    let mut refused = String::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let (looked, known) = (shared.clone(), refused.clone());
        let found = tokio::task::spawn_blocking(move || look(&looked, &known)).await;
        if let Ok(Some(version)) = found {
            refused = version;
        }
    }
}

/// Takes a new version up, if there is one. The answer is a version that was refused: it is not tried again.
fn look(shared: &Shared, refused: &str) -> Option<String> {
    let now = shared.kit.now();
    let sources = match Sources::gather(&shared.config.agent) {
        Ok(sources) => sources,
        // An editor may just be writing the file.
        Err(_) => return None,
    };
    let version = sources.version();
    if version == now.version || version == refused {
        return None;
    }
    match rebuild(sources, &now) {
        Ok(kit) => {
            let kit = Arc::new(kit);
            kit.warm();
            super::server::keep_sources(&shared.config, &kit);
            shared.kit.replace(kit);
            crate::telemetry::ScriptReloaded { version: &version }.emit();
            None
        }
        Err(error) => {
            crate::telemetry::ScriptRefused {
                version: &version,
                reason: error.to_string(),
            }
            .emit();
            Some(version)
        }
    }
}

fn rebuild(sources: Sources, old: &Kit) -> Result<Kit, KitError> {
    Kit::build(sources, old.graphs.model())
}
