//! Recordings over HTTP, in parts: a player that cannot ask for a range cannot seek (RFC 9110 §14).

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::Desk;
use super::pages::PageError;

/// Read and sent at a time.
const CHUNK: u64 = 64 * 1024;

/// Where the recording of a call lies.
pub(super) async fn path_of(desk: &Desk, id: &str) -> Result<PathBuf, PageError> {
    let call = id.parse().map_err(|_| PageError::NotFound)?;
    let recording = desk
        .ledger
        .recording(call)
        .await?
        .ok_or(PageError::NotFound)?;
    inside(&desk.recordings, &recording.path).ok_or(PageError::NotFound)
}

pub(super) async fn wav(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let path = path_of(&desk, &id).await?;
    let file = File::open(path).await.map_err(|_| PageError::NotFound)?;
    let length = file
        .metadata()
        .await
        .map_err(|_| PageError::NotFound)?
        .len();
    let wanted = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    match wanted.map_or(Wanted::Everything, |range| wanted_part(range, length)) {
        Wanted::Everything => Ok(answer(StatusCode::OK, file, 0, length, length)),
        Wanted::Part { from, to } => {
            let mut file = file;
            file.seek(SeekFrom::Start(from))
                .await
                .map_err(|_| PageError::NotFound)?;
            Ok(answer(
                StatusCode::PARTIAL_CONTENT,
                file,
                from,
                to + 1 - from,
                length,
            ))
        }
        Wanted::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response())
        }
    }
}

/// `path` in `folder`, unless it leads out of it.
fn inside(folder: &FilePath, path: &str) -> Option<PathBuf> {
    let path = FilePath::new(path);
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then(|| folder.join(path))
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Everything,
    /// From the first to the last byte, both included.
    Part {
        from: u64,
        to: u64,
    },
    Outside,
}

/// One range of bytes. What is not understood, and several ranges at once, mean everything, as the RFC allows.
fn wanted_part(range: &str, length: u64) -> Wanted {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::Everything;
    };
    let end = length.saturating_sub(1);
    let part = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from > to => return Wanted::Everything,
        (Ok(from), Ok(to)) => (from, to.min(end)),
        (Ok(from), Err(_)) if last.trim().is_empty() => (from, end),
        (Err(_), Ok(tail)) if first.trim().is_empty() && tail > 0 => {
            (length.saturating_sub(tail), end)
        }
        (Err(_), Ok(0)) if first.trim().is_empty() => return Wanted::Outside,
        _ => return Wanted::Everything,
    };
    if part.0 < length {
        Wanted::Part {
            from: part.0,
            to: part.1,
        }
    } else {
        Wanted::Outside
    }
}

fn answer(status: StatusCode, file: File, from: u64, bytes: u64, length: u64) -> Response {
    let body = Body::from_stream(futures_util::stream::unfold(
        (file, bytes),
        async |(mut file, left)| {
            let mut chunk = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or(0)];
            if chunk.is_empty() {
                return None;
            }
            let read = file
                .read_exact(&mut chunk)
                .await
                .map(|_| Bytes::from(chunk));
            // After a failed read the next one ends the stream.
            let left = if read.is_ok() {
                left.saturating_sub(CHUNK)
            } else {
                0
            };
            Some((read, (file, left)))
        },
    ));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "audio/wav".to_owned());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::CONTENT_LENGTH, bytes.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        set(
            header::CONTENT_RANGE,
            format!("bytes {from}-{}/{length}", from + bytes - 1),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        assert_eq!(
            wanted_part("bytes=0-99", 1_000),
            Wanted::Part { from: 0, to: 99 }
        );
        assert_eq!(
            wanted_part("bytes=900-", 1_000),
            Wanted::Part { from: 900, to: 999 }
        );
        assert_eq!(
            wanted_part("bytes=-100", 1_000),
            Wanted::Part { from: 900, to: 999 }
        );
        assert_eq!(
            wanted_part("bytes=-5000", 1_000),
            Wanted::Part { from: 0, to: 999 }
        );
        assert_eq!(
            wanted_part("bytes=990-5000", 1_000),
            Wanted::Part { from: 990, to: 999 }
        );
        assert_eq!(wanted_part("bytes=1000-", 1_000), Wanted::Outside);
        assert_eq!(wanted_part("bytes=-0", 1_000), Wanted::Outside);
        assert_eq!(wanted_part("bytes=0-", 0), Wanted::Outside);
        for odd in [
            "bytes=9-3",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "lines=1-2",
            "bytes=-",
            "",
        ] {
            assert_eq!(wanted_part(odd, 1_000), Wanted::Everything, "{odd}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let folder = FilePath::new("/recordings");
        assert_eq!(
            inside(folder, "2026/a.wav"),
            Some(folder.join("2026/a.wav"))
        );
        for path in ["../a.wav", "/etc/passwd", "2026/../../a.wav"] {
            assert_eq!(inside(folder, path), None, "{path}");
        }
    }
}
