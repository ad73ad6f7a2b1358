use super::*;

#[test]
fn header_survives() {
    let header = Header {
        marker: true,
        payload_type: 101,
        sequence: 65_535,
        timestamp: u32::MAX,
        ssrc: 0xDEAD_BEEF,
    };
    let octets = header.encode();
    assert_eq!(
        Packet::parse(&octets),
        Ok(Packet {
            header,
            payload: &[]
        })
    );
}

/// One stream of numbers from the answer to the end, with a marker at its very beginning only.
#[test]
fn numbering_has_no_holes() {
    let mut sequencer = Sequencer::new(7, 65_535, u32::MAX - 159);
    let first = sequencer.audio(PCMA, 160);
    assert_eq!(
        (first.marker, first.sequence, first.timestamp),
        (true, 65_535, u32::MAX - 159)
    );
    sequencer.tick();
    // Held: time passes, nothing is sent.
    sequencer.tick();
    let third = sequencer.audio(PCMA, 160);
    assert_eq!(
        (third.marker, third.sequence, third.timestamp),
        (false, 0, 160)
    );
    assert_eq!(
        sequencer.report(),
        SenderReport {
            ssrc: 7,
            timestamp: 160,
            packets: 2,
            octets: 320
        }
    );
}

#[test]
fn reports_are_well_formed() {
    let sent = SenderReport {
        ssrc: 1,
        timestamp: 2,
        packets: 3,
        octets: 4,
    };
    let heard = ReceptionReport {
        ssrc: 5,
        lost: 6,
        highest_sequence: 7,
        jitter: 8,
    };
    for heard in [None, Some(&heard)] {
        for name in ["", "a", "abcd@example.net", &"x".repeat(200)] {
            let mut packet = encode_report(&sent, 9 << 32, heard, name);
            assert!(is_rtcp(&packet));
            packet.extend(encode_bye(1));
            assert!(is_rtcp(&packet));
            assert!(!is_rtcp(&packet[..packet.len() - 1]));
        }
    }
}

proptest::proptest! {
    /// Nothing from outside panics, and what is read is what was written.
    #[test]
    fn any_datagram_is_survived(datagram in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        if let Ok(packet) = Packet::parse(&datagram) {
            assert!(packet.payload.len() + HEADER <= datagram.len());
        }
        is_rtcp(&datagram);
    }
}
