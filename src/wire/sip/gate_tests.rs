//! The torture messages of RFC 4475, and whatever else may come.

use super::*;

fn source() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5_060))
}

fn file(folder: &str, name: &str) -> Vec<u8> {
    std::fs::read(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(folder)
            .join(name),
    )
    .unwrap()
}

fn verdict(datagram: &[u8]) -> Verdict {
    Message::read(datagram).map_or(Verdict::Drop, |message| judge(&message, source()))
}

fn code(datagram: &[u8]) -> Option<u16> {
    match verdict(datagram) {
        Verdict::Answer(reply) => Some(reply.code),
        _ => None,
    }
}

/// Whether what a message gets here is what the table allows. What passes is answered by the dialogs above.
fn is_expected(name: &str, verdict: &Verdict, expected: &str) -> bool {
    let codes: Vec<u16> = expected
        .split([' ', '(', ')', ',', '/'])
        .filter_map(|word| word.parse().ok())
        .collect();
    let reply = match verdict {
        Verdict::Answer(reply) => reply.code,
        Verdict::Drop => return expected.contains("discard") || expected == "-",
        Verdict::Pass(octets) => {
            let message = Message::read(octets).expect("the canonical form is SIP");
            let again = judge(&message, source());
            assert_eq!(again, *verdict, "{name}: the canonical form is canonical");
            return message.is_response()
                || expected.contains("100-699")
                || expected.contains("481")
                || !codes.contains(&400)
                || expected.contains(" or ");
        }
    };
    let tolerant = ["tolerant", "ignore", "inferred", "as if", "matching"]
        .iter()
        .any(|word| expected.contains(word));
    tolerant
        || codes.contains(&reply)
        || expected.contains("100-699") && reply != 400
        || expected == "one final reply only"
        || expected.contains("any other final")
}

#[test]
fn torture_messages_get_what_the_rfc_expects() {
    let table = file("rfc4475", "expectations.csv");
    let mut reader = csv::Reader::from_reader(&table[..]);
    let mut rows = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let datagram = file("rfc4475", &row[0]);
        let verdict = verdict(&datagram);
        assert!(
            is_expected(&row[0], &verdict, &row[5]),
            "{}: {verdict:?}, expected {}",
            &row[0],
            &row[5]
        );
        if &row[4] == "reject" {
            assert!(!matches!(verdict, Verdict::Pass(_)), "{}", &row[0]);
        }
        rows += 1;
    }
    assert_eq!(rows, 49);
}

/// Folding, compact names and white space everywhere come out as one plain message.
#[test]
fn the_short_tortuous_invite_is_understood() {
    let Verdict::Pass(octets) = verdict(&file("rfc4475", "wsinv.dat")) else {
        panic!("it is right")
    };
    let text = String::from_utf8(octets).unwrap();
    for line in [
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n",
        "\r\nTO: sip:vivekg@chair-dnrc.example.com;tag=1918181833n\r\n",
        "\r\nfrom: \"J Rosenberg \\\\\\\"\" <sip:jdrosen@example.com>;tag=98asjd8\r\n",
        "\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=390skdjuw\r\n",
        "\r\nVia: SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8,SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239\r\n",
        "\r\ncseq: 0009 INVITE\r\n",
        "\r\nContent-Length: 150\r\n\r\nv=0\r\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn hostile_datagrams_are_dropped_or_refused() {
    for (name, expected) in [
        ("crlf_keepalive.msg", None),
        ("not_sip_binary.msg", None),
        ("not_sip_http.msg", None),
        ("refer_to_premium.msg", Some(405)),
        ("register_guess.msg", Some(405)),
        ("sipvicious_options.msg", Some(403)),
        ("toll_fraud_invite.msg", Some(403)),
    ] {
        assert_eq!(code(&file("sip", name)), expected, "{name}");
    }
    // Unknown dialogs are the dialog layer's to tell; there it is 481.
    assert!(matches!(
        verdict(&file("sip", "spoofed_bye.msg")),
        Verdict::Pass(_)
    ));
    for name in [
        "header_bomb.msg",
        "folding_bomb.msg",
        "param_bomb.msg",
        "quote_bomb.msg",
        "sdp_bomb.msg",
        "via_bomb.msg",
    ] {
        // The socket does not even read them whole; the judge survives them all the same.
        verdict(&file("sip", name));
    }
}

fn options(more: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;rport\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\n\
         Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n{more}\r\n"
    )
    .into_bytes()
}

#[test]
fn options_tell_what_we_can() {
    let Verdict::Answer(reply) = verdict(&options("")) else {
        panic!()
    };
    assert_eq!(reply.code, 200);
    let datagram = options("");
    let (reply, address) = reply.encode(&Message::read(&datagram).unwrap(), source(), "t");
    let text = String::from_utf8(reply).unwrap();
    assert_eq!(address, source());
    assert!(
        text.contains(
            "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;rport=5060;received=127.0.0.1\r\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("To: <sip:a@b>;tag=t\r\n")
            && text.contains("Allow: ")
            && text.contains("Accept: application/sdp\r\n")
    );
    assert!(!text.contains("Server:"));
}

/// Without rport the reply goes to the port that the Via names.
#[test]
fn reply_goes_where_the_via_says() {
    let datagram = String::from_utf8(options(""))
        .unwrap()
        .replace(";rport", "")
        .into_bytes();
    let Verdict::Answer(reply) = verdict(&datagram) else {
        panic!()
    };
    let (_, address) = reply.encode(&Message::read(&datagram).unwrap(), source(), "t");
    assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 5_062)));
}

#[test]
fn extensions_and_mailboxes() {
    assert_eq!(
        code(&options("Require: nothingSupportsThis\r\n")),
        Some(420)
    );
    assert_eq!(code(&options("Max-Forwards: 0\r\n")), Some(200));
    assert_eq!(code(&options("Max-Forwards: 256\r\n")), Some(400));
    let notify = |event: &str| {
        String::from_utf8(options(event))
            .unwrap()
            .replace("OPTIONS", "NOTIFY")
            .into_bytes()
    };
    assert_eq!(code(&notify("Event: message-summary\r\n")), Some(200));
    assert_eq!(code(&notify("Event: refer\r\n")), Some(481));
}

proptest::proptest! {
    /// Nothing from outside panics, whether it is noise or a message with some octets changed.
    #[test]
    fn anything_is_survived(noise in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 0..500_usize, octet in proptest::num::u8::ANY, cut in 0..700_usize) {
        verdict(&noise);
        for name in ["wsinv.dat", "longreq.dat", "mpart01.dat", "esc01.dat", "unreason.dat"] {
            let mut datagram = file("rfc4475", name);
            datagram.truncate(cut.max(50));
            if let Some(place) = datagram.get_mut(at) {
                *place = octet;
            }
            let splice = at.min(datagram.len());
            datagram.splice(splice..splice, noise.iter().take(20).copied());
            if let Some(message) = Message::read(&datagram)
                && let Verdict::Answer(reply) = judge(&message, source()) {
                reply.encode(&message, source(), "t");
            }
        }
    }
}
