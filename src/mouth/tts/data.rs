//! espeak-ng's data: packed into the binary, unpacked once into the user's cache.
//!
//! The C library reads files only, so this module and its neighbours are the part of `mouth` that may touch them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

static ARCHIVE: &[u8] = include_bytes!("../../../models/espeak-ng-data.tar.gz");

/// What helps when the data cannot be unpacked.
pub const REMEDY: &str =
    "Set XDG_CACHE_HOME to a directory that this user can write, with 1 MB of room.";

/// Without these the library cannot speak; cleaners of temporary directories take files one by one.
const NEEDED: [&str; 8] = [
    "phontab",
    "phonindex",
    "phondata",
    "intonations",
    "pt_dict",
    "en_dict",
    "de_dict",
    "lang/roa/pt-BR",
];

/// The directory of the data, unpacked if need be. Safe against other processes that do the same.
pub fn unpack(cache: Option<&Path>) -> io::Result<PathBuf> {
    let root = cache.map_or_else(default_cache, Path::to_owned);
    let parent = root.join(format!("espeak-{}", fingerprint()));
    let data = parent.join("espeak-ng-data");
    if !is_whole(&data) {
        create(&root)?;
        let fresh = root.join(format!(
            "unpacking-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let moved = extract(&fresh).and_then(|()| replace(&fresh, &parent));
        let _ = fs::remove_dir_all(&fresh);
        moved?;
    }
    // Another user's files would be fed to a C library: only our own will do.
    if is_ours(&data)? {
        Ok(data)
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} belongs to another user", data.display()),
        ))
    }
}

/// The variants among the voices, sorted.
pub fn variants(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("voices/!v"))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

pub fn is_variant(data: &Path, name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['/', '\\', '.'])
        && data.join("voices/!v").join(name).is_file()
}

fn default_cache() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = from("XDG_CACHE_HOME").or_else(|| {
        from("HOME")
            .filter(|home| home.is_dir())
            .map(|home| home.join(".cache"))
    });
    let cache = base.unwrap_or_else(std::env::temp_dir).join("combinado");
    // A home that cannot be written, as in many containers, is no reason to be mute.
    if create(&cache).is_ok() {
        cache
    } else {
        std::env::temp_dir().join("combinado")
    }
}

/// Changes with the archive, so that a new release does not speak with old data.
fn fingerprint() -> String {
    Sha256::digest(ARCHIVE)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_whole(data: &Path) -> bool {
    NEEDED
        .iter()
        .all(|name| fs::metadata(data.join(name)).is_ok_and(|file| file.len() > 0))
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn extract(target: &Path) -> io::Result<()> {
    create(target)?;
    tar::Archive::new(flate2::read::GzDecoder::new(ARCHIVE)).unpack(target)
}

/// Puts the unpacked directory in place in one step; whoever came first wins, unless what it left is broken.
fn replace(fresh: &Path, place: &Path) -> io::Result<()> {
    let Err(error) = fs::rename(fresh, place) else {
        return Ok(());
    };
    if is_whole(&place.join("espeak-ng-data")) {
        return Ok(());
    }
    if fs::remove_dir_all(place).is_err() {
        return Err(error);
    }
    fs::rename(fresh, place)
}

#[cfg(unix)]
fn is_ours(data: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    // Of the process's own directory the kernel says who it is, without a call to the C library.
    let Ok(me) = fs::metadata("/proc/self") else {
        return Ok(true);
    };
    Ok(fs::metadata(data)?.uid() == me.uid())
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_unpacked_once_and_repaired() {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let data = unpack(Some(cache.path())).expect("unpacks");
        assert!(is_whole(&data));
        assert!(variants(&data).iter().any(|name| name == "f4"));
        fs::remove_file(data.join("pt_dict")).expect("is there");
        let again = unpack(Some(cache.path())).expect("unpacks again");
        assert!(data == again && is_whole(&data));
        assert_eq!(
            fs::read_dir(cache.path()).expect("readable").count(),
            1,
            "nothing is left behind"
        );
    }

    #[test]
    fn many_threads_unpack_at_once() {
        let cache = tempfile::tempdir().expect("a temporary directory");
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| unpack(Some(cache.path()))))
                .collect();
            for thread in threads {
                assert!(is_whole(
                    &thread.join().expect("no panic").expect("unpacks")
                ));
            }
        });
    }

    #[test]
    fn a_variant_is_a_name_and_no_path() {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let data = unpack(Some(cache.path())).expect("unpacks");
        for wrong in ["", "../../phontab", "..", "f99"] {
            assert!(!is_variant(&data, wrong), "{wrong}");
        }
    }
}
