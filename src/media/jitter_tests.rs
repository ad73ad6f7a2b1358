use super::*;

/// Sound in which every sample is different from its neighbours and never quiet.
fn samples(from: usize, count: usize) -> Vec<i16> {
    (from..from + count)
        .map(|i| 1_000 + (i * 7 % 20_000) as i16)
        .collect()
}

fn place(n: usize, length: usize) -> Place {
    Place {
        sequence: n as u16,
        timestamp: (n * length) as u32,
        ssrc: 1,
    }
}

/// Sends packets of `length` samples on schedule and returns what was played from the first sample on.
fn play_packets(length: usize) -> Vec<i16> {
    let mut buffer = JitterBuffer::new(60);
    let mut heard = Vec::new();
    let mut sent = 0;
    for tick in 0..200_usize {
        // A packet leaves when its last sample was spoken.
        while (sent + 1) * length <= (tick + 1) * FRAME {
            buffer.push(
                place(sent, length),
                &samples(sent * length, length),
                Moment::from_millis((sent * length / 8) as u64),
            );
            sent += 1;
        }
        heard.extend(buffer.pop());
    }
    let stats = buffer.stats();
    assert_eq!(
        (
            stats.lost(),
            stats.stretched,
            stats.skipped,
            stats.duplicates
        ),
        (0, 0, 0, 0)
    );
    heard.drain(
        ..heard
            .iter()
            .position(|sample| *sample != 0)
            .unwrap_or_default(),
    );
    heard
}

#[test]
fn packets_of_any_length_become_frames() {
    for length in [80, 160, 240, 320, 400, 480] {
        let heard = play_packets(length);
        assert!(heard.len() > 190 * FRAME);
        assert_eq!(
            heard,
            samples(0, heard.len()),
            "packets of {length} samples"
        );
    }
}

#[test]
fn waits_the_delay_it_was_told() {
    for (delay_ms, frames) in [(0, 0), (20, 1), (40, 2), (60, 3), (100, 5)] {
        let mut buffer = JitterBuffer::new(delay_ms);
        buffer.push(place(0, FRAME), &samples(0, FRAME), Moment::ZERO);
        let silent = (0..20)
            .take_while(|_| buffer.pop() == super::super::SILENCE)
            .count();
        assert_eq!(silent, frames);
    }
}

/// The newest packet 40 ms too late is still played: time stretches, nothing is lost.
#[test]
fn late_stream_stretches_time() {
    let mut buffer = JitterBuffer::new(40);
    let mut heard = Vec::new();
    for tick in 0..50_usize {
        let delayed = if tick < 20 {
            Some(tick)
        } else {
            tick.checked_sub(4)
        };
        for n in delayed.into_iter().filter(|n| tick < 20 || *n >= 20) {
            buffer.push(
                place(n, FRAME),
                &samples(n * FRAME, FRAME),
                Moment::from_millis(20 * tick as u64),
            );
        }
        heard.push(buffer.pop());
    }
    let stats = buffer.stats();
    assert_eq!(stats.lost(), 0);
    assert_eq!(stats.stretched, 2);
    let whole: Vec<_> = (0..40).map(|n| samples(n * FRAME, FRAME)).collect();
    // All but the one frame in which the invented sound is blended into the real one.
    let found = whole
        .iter()
        .filter(|frame| heard.iter().any(|h| h[..] == frame[..]))
        .count();
    assert!(found >= 39, "{found}");
}

/// A sender that was 400 ms ahead once is not listened to with 400 ms of delay for ever.
#[test]
fn lasting_surplus_is_trimmed() {
    let mut buffer = JitterBuffer::new(60);
    let mut sent = 0;
    for tick in 0..1_000_usize {
        while sent <= tick + 20 {
            buffer.push(
                place(sent, FRAME),
                &samples(sent * FRAME, FRAME),
                Moment::from_millis(20 * tick as u64),
            );
            sent += 1;
        }
        buffer.pop();
    }
    assert!(
        (1..=20).contains(&buffer.stats().skipped),
        "{:?}",
        buffer.stats()
    );
    assert_eq!(buffer.stats().lost(), 0);
}

#[test]
fn declared_silence_is_silent() {
    let mut buffer = JitterBuffer::new(20);
    for n in 0..5 {
        buffer.push(
            place(n, FRAME),
            &samples(n * FRAME, FRAME),
            Moment::from_millis(20 * n as u64),
        );
        buffer.pop();
    }
    buffer.note(place(5, FRAME));
    buffer.hush();
    assert_ne!(buffer.pop(), super::super::SILENCE);
    assert_eq!(buffer.pop(), super::super::SILENCE);
    assert_eq!(buffer.stats().lost(), 0);
}

/// RFC 3550 A.8: a constant transit has no jitter; one that alternates by 10 ms has nearly 10 ms.
#[test]
fn jitter_follows_the_rfc() {
    let jitter = |swing: u64| {
        let mut buffer = JitterBuffer::new(60);
        for n in 0..500_u64 {
            let arrival = Moment::from_millis(20 * n + if n % 2 == 0 { swing } else { 0 });
            buffer.push(place(n as usize, FRAME), &samples(0, FRAME), arrival);
            buffer.pop();
        }
        buffer.stats().jitter_ms()
    };
    assert_eq!(jitter(0), 0);
    assert!((9..=10).contains(&jitter(10)));
}

proptest::proptest! {
    /// Whatever comes, in whatever order: no panic, one frame a tick, and the counters stay sane.
    #[test]
    fn any_order_is_survived(packets in proptest::collection::vec((0..4_u8, 0..70_000_u32, proptest::num::u32::ANY, 0..1_400_usize, 0..3_u8), 0..200)) {
        let mut buffer = JitterBuffer::new(60);
        let sound = samples(0, 1_400);
        for (n, (kind, sequence, timestamp, length, pops)) in packets.iter().enumerate() {
            let timestamp = if *kind == 0 { *timestamp } else { sequence.wrapping_mul(160) };
            let place = Place { sequence: *sequence as u16, timestamp, ssrc: u32::from(*kind == 3) };
            buffer.push(place, &sound[..*length], Moment::from_millis(n as u64));
            for _ in 0..*pops {
                buffer.pop();
            }
        }
        assert!(buffer.stats().late <= packets.len() as u64);
    }
}
