//! The packet schedules and odd datagrams of `tests/data/rtp`, in virtual time.

use super::*;
use crate::media::{FRAME, SILENCE};

const PAYLOADS: Payloads = Payloads {
    a_law: Some(8),
    mu_law: Some(0),
    events: Some(101),
};
/// The ports that the schedules send from; the first is the described one.
const DESCRIBED: u16 = 40_000;

/// The octets of frame `n`: pseudo-random, so that no two are alike, and loud.
fn frame_octets(n: usize) -> [u8; FRAME] {
    let mut state = n as u32 + 1;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0xBF
    })
}

fn frame_sound(n: usize) -> Frame {
    frame_octets(n).map(|octet| Law::A.decode(octet))
}

struct Run {
    receiver: Receiver<u16>,
    heard: Vec<Frame>,
    strangers: usize,
}

impl Run {
    /// Plays a schedule: datagrams at their times, a frame every 20 ms.
    fn of(schedule: &str) -> Self {
        let mut run = Self {
            receiver: Receiver::new(PAYLOADS, Some(DESCRIBED), 60),
            heard: Vec::new(),
            strangers: 0,
        };
        for line in schedule.lines().skip(1) {
            run.send_line(line);
        }
        run.play_until(run.heard.len() as u64 * 20 + 200);
        run
    }

    fn send_line(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(',').collect();
        let [ms, sequence, timestamp, ssrc, port, frame] = fields[..] else {
            panic!("{line}")
        };
        let at: u64 = ms.parse().unwrap();
        self.play_until(at);
        let header = rtp::Header {
            marker: false,
            payload_type: rtp::PCMA,
            sequence: sequence.parse().unwrap(),
            timestamp: timestamp.parse().unwrap(),
            ssrc: u32::from_str_radix(&ssrc[2..], 16).unwrap(),
        };
        let datagram = [
            &header.encode()[..],
            &frame_octets(frame.parse().unwrap())[..],
        ]
        .concat();
        let reaction =
            self.receiver
                .receive(port.parse().unwrap(), &datagram, Moment::from_millis(at));
        self.strangers += usize::from(reaction == Reaction::Stranger);
    }

    /// Frames are played 10 ms after the schedule's own grid.
    fn play_until(&mut self, ms: u64) {
        while self.heard.len() as u64 * 20 + 10 < ms {
            self.heard.push(self.receiver.pop());
        }
    }

    fn place_of(&self, n: usize) -> Option<usize> {
        let wanted = frame_sound(n);
        self.heard.iter().position(|frame| *frame == wanted)
    }

    /// All frames came out exactly as they were sent, at one distance.
    fn assert_exact(&self, frames: usize) {
        let first = self.place_of(0).expect("the first frame is heard");
        for n in 0..frames {
            assert!(self.heard[first + n] == frame_sound(n), "frame {n}");
        }
        self.assert_counts(0);
        let stats = self.receiver.stats();
        assert_eq!((stats.stretched, stats.skipped), (0, 0));
    }

    fn assert_counts(&self, lost: u64) {
        assert_eq!(
            self.receiver.stats().lost(),
            lost,
            "{:?}",
            self.receiver.stats()
        );
        assert_eq!(self.receiver.malformed(), 0);
    }

    /// Every frame that was sent is at its place or concealed there: time has not slipped.
    fn assert_no_slip(&self, frames: usize) {
        let first = self.place_of(0).expect("the first frame is heard");
        for n in 0..frames {
            let place = self.place_of(n);
            assert!(
                place.is_none() || place == Some(first + n),
                "frame {n} at {place:?}"
            );
        }
    }
}

#[test]
fn clean_stream_is_exact_across_all_wraps() {
    Run::of(include_str!("../../tests/data/rtp/seq_wrap_clean.csv")).assert_exact(350);
}

#[test]
fn duplicates_are_harmless() {
    let run = Run::of(include_str!("../../tests/data/rtp/duplicates_10pct.csv"));
    run.assert_exact(350);
    assert_eq!(run.receiver.stats().duplicates, 35);
}

#[test]
fn order_is_restored() {
    Run::of(include_str!("../../tests/data/rtp/reorder.csv")).assert_exact(350);
}

#[test]
fn loss_is_counted_and_time_kept() {
    for (schedule, lost) in [
        (include_str!("../../tests/data/rtp/loss_5pct.csv"), 17),
        (include_str!("../../tests/data/rtp/loss_bursty.csv"), 70),
    ] {
        let run = Run::of(schedule);
        run.assert_no_slip(350);
        run.assert_counts(lost);
        assert_eq!(run.receiver.stats().stretched, 0);
    }
}

/// 60 ms of jitter cost at most a few frames, and the time that was inserted stays below 100 ms.
#[test]
fn jitter_is_ridden_out() {
    let run = Run::of(include_str!("../../tests/data/rtp/jitter_60ms.csv"));
    let heard = (0..350).filter(|n| run.place_of(*n).is_some()).count();
    let stats = run.receiver.stats();
    assert!(
        heard >= 343 && stats.lost() <= 3 && stats.stretched <= 4,
        "{heard} heard, {stats:?}"
    );
}

#[test]
fn clock_skew_of_500_ppm_is_borne() {
    Run::of(include_str!("../../tests/data/rtp/clock_plus_500ppm.csv")).assert_exact(350);
}

#[test]
fn stream_goes_on_from_another_port() {
    let run = Run::of(include_str!("../../tests/data/rtp/port_change_midcall.csv"));
    run.assert_exact(350);
    assert_eq!(run.receiver.source(), Some(41_000));
}

#[test]
fn stream_goes_on_from_another_source() {
    let run = Run::of(include_str!("../../tests/data/rtp/ssrc_change_midcall.csv"));
    run.assert_exact(350);
    assert_eq!(run.receiver.stats().restarts, 1);
}

#[test]
fn timestamp_jump_is_bridged() {
    Run::of(include_str!("../../tests/data/rtp/timestamp_jump.csv")).assert_exact(350);
}

/// Eight seconds without packets are eight seconds of silence, no loss, and the rest at its right time.
#[test]
fn suppressed_silence_keeps_time() {
    let run = Run::of(include_str!("../../tests/data/rtp/silence_gap_8s.csv"));
    run.assert_counts(0);
    let (first, last) = (run.place_of(0).unwrap(), run.place_of(349).unwrap());
    assert_eq!(last - first, 349 + 400);
    let silent = run
        .heard
        .iter()
        .skip(first)
        .filter(|frame| **frame == SILENCE)
        .count();
    assert!((395..=407).contains(&silent), "{silent}");
}

#[test]
fn injected_stream_is_not_heard() {
    let run = Run::of(include_str!(
        "../../tests/data/rtp/injection_from_other_host.csv"
    ));
    run.assert_exact(350);
    assert_eq!(run.strangers, 100);
}

/// Every odd datagram has the reaction that the table asks for, and none disturbs the call.
#[test]
fn odd_datagrams_get_the_right_reaction() {
    let mut receiver = Receiver::new(PAYLOADS, Some(DESCRIBED), 60);
    let mut keys = 0;
    let mut reader =
        csv::Reader::from_reader(&include_bytes!("../../tests/data/rtp/packets.csv")[..]);
    let mut rows = 0;
    for (n, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let (name, expected) = (&row[0], &row[2]);
        let reaction = receiver.receive(
            DESCRIBED,
            &octets(&row[1]),
            Moment::from_millis(20 * n as u64),
        );
        keys += usize::from(matches!(reaction, Reaction::Key(_)));
        receiver.pop();
        rows += 1;
        let dropped = matches!(reaction, Reaction::Malformed | Reaction::UnknownPayload);
        let right = match expected {
            "accept" if name.starts_with("telephone-event") => reaction == Reaction::Key('1'),
            "accept" | "accept 156 octets of audio" | "accept or cut, no crash" => {
                reaction == Reaction::Sound
            }
            "accept as no audio or drop" => dropped || reaction == Reaction::Sound,
            "drop" | "answer or drop, never audio" => dropped,
            "drop, count" => reaction == Reaction::UnknownPayload,
            "one digit in all" | "no second digit" => reaction == Reaction::Repeat,
            "not audio" | "must not end the call" => reaction == Reaction::Report || dropped,
            other => panic!("no rule for {other}"),
        };
        assert!(right, "{name}: {reaction:?}, expected {expected}");
    }
    assert_eq!((rows, keys), (35, 1));
    assert!(receiver.malformed() >= 15);
}

fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A source behind address translation is heard from its first packet on.
#[test]
fn undescribed_source_loses_nothing() {
    let mut run = Run {
        receiver: Receiver::new(PAYLOADS, Some(9), 60),
        heard: Vec::new(),
        strangers: 0,
    };
    for line in include_str!("../../tests/data/rtp/seq_wrap_clean.csv")
        .lines()
        .skip(1)
    {
        run.send_line(line);
    }
    run.play_until(7_200);
    run.assert_exact(350);
    assert_eq!(run.strangers, 3);
}
