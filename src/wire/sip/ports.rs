//! The pair of ports of one call: RTP on an even one, RTCP on the next (RFC 3550 §11).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

/// Pairs that are tried before giving up; a range is rarely so full.
const TRIES: u32 = 200;

/// Two sockets that never wait.
pub struct Pair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl Pair {
    /// Opens a pair at a random place, so that a port is not used again at once: packets of the call before may still
    /// arrive there.
    pub fn open(address: IpAddr, range: &RangeInclusive<u16>) -> io::Result<Self> {
        let pairs = (u32::from(*range.end()) + 1)
            .saturating_sub(u32::from(*range.start()).next_multiple_of(2))
            / 2;
        if pairs == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the range of RTP ports has no pair of ports",
            ));
        }
        let start = rand::random_range(0..pairs);
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for n in 0..pairs.min(TRIES) {
            let port = u32::from(*range.start()).next_multiple_of(2) + 2 * ((start + n) % pairs);
            match Self::bind(address, port as u16) {
                Ok(pair) => return Ok(pair),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        let open = |port| {
            let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        Ok(Self {
            rtp: open(port)?,
            rtcp: open(port + 1)?,
        })
    }
}

/// Our address as `peer` sees it on its way: what the routing table says, without sending anything.
pub fn address_towards(local: IpAddr, peer: SocketAddr) -> io::Result<IpAddr> {
    if !local.is_unspecified() {
        return Ok(local);
    }
    let socket = UdpSocket::bind(SocketAddr::new(local, 0))?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_even_and_apart() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let pairs: Vec<Pair> = (0..20)
            .map(|_| Pair::open(local, &(40_001..=49_999)).unwrap())
            .collect();
        for Pair { rtp, rtcp } in &pairs {
            let port = rtp.local_addr().unwrap().port();
            assert!(port % 2 == 0 && port > 40_001);
            assert_eq!(rtcp.local_addr().unwrap().port(), port + 1);
        }
    }

    #[test]
    fn full_range_is_an_error() {
        let local = IpAddr::from([127, 0, 0, 1]);
        assert!(Pair::open(local, &(50_001..=50_002)).is_err());
        assert_eq!(
            address_towards(IpAddr::from([0, 0, 0, 0]), "127.0.0.1:9".parse().unwrap()).unwrap(),
            local
        );
    }
}
