//! The outline of a recording as a picture: caller above, agent below. Who spoke when, and who let whom wait.

use std::fmt::Write;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Desk;
use super::pages::PageError;
use super::recording::path_of;

/// Bars of each side.
const BARS: usize = 400;
/// Half of the picture's height.
const HALF: u32 = 32;

pub(super) async fn svg(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let path = path_of(&desk, &id).await?;
    let read = tokio::task::spawn_blocking(move || peaks(&path)).await;
    let peaks = read.ok().flatten().ok_or(PageError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture(&peaks)).into_response())
}

/// The loudest sample of each bar, left and right. None where the file is no stereo WAV of 16 bits.
fn peaks(path: &FilePath) -> Option<Vec<[u16; 2]>> {
    let mut reader = hound::WavReader::open(path).ok()?;
    let spec = reader.spec();
    let length = usize::try_from(reader.duration()).ok()?;
    if spec.channels != 2
        || spec.bits_per_sample != 16
        || spec.sample_format != hound::SampleFormat::Int
    {
        return None;
    }
    let mut peaks = vec![[0; 2]; BARS];
    for (n, sample) in reader.samples::<i16>().enumerate() {
        let bar = (n / 2 * BARS / length.max(1)).min(BARS - 1);
        // A file cut short by a crash is drawn as far as it goes.
        let Ok(sample) = sample else { break };
        let peak = &mut peaks[bar][n % 2];
        *peak = (*peak).max(sample.unsigned_abs());
    }
    Some(peaks)
}

fn picture(peaks: &[[u16; 2]]) -> String {
    let (width, height) = (peaks.len() * 2, HALF * 2);
    let mut above = String::new();
    let mut below = String::new();
    for (n, [left, right]) in peaks.iter().enumerate() {
        let x = n * 2;
        // Writing into a String cannot fail.
        let _ = write!(above, "M{x} {HALF}v-{}", bar_height(*left));
        let _ = write!(below, "M{x} {HALF}v{}", bar_height(*right));
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" \
         fill=\"none\" stroke-width=\"1.4\"><path stroke=\"#2a9d78\" d=\"{above}\"/>\
         <path stroke=\"#8a979f\" d=\"{below}\"/></svg>"
    )
}

/// The ear hears ratios: a square root keeps quiet speech visible.
fn bar_height(peak: u16) -> u32 {
    let full = f64::from(HALF - 1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and HALF"
    )]
    let height = ((f64::from(peak) / 32_768.0).sqrt() * full).round() as u32;
    height.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_line_and_loudness_fills_the_half() {
        assert_eq!(bar_height(0), 1);
        assert_eq!(bar_height(32_768), HALF - 1);
        assert!(picture(&[[0, 32_767]]).contains("M0 32v31"));
    }
}
