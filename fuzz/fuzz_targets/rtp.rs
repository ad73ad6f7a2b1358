#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| combinado::fuzz::rtp_session(data));
