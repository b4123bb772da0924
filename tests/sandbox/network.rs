//! The network and other programs' sockets. If one of these fails, what a command has read leaves the
//! machine, or it steers another program of the person's.

use crate::place::{Place, all_fail, confines, has, is_root};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::time::Duration;

#[test]
fn no_connection_is_made() {
    if !confines() || !has("perl") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    all_fail(&[
        &format!(
            "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(\"127.0.0.1:{port}\") or die $!'"
        ),
        &format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"),
        "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 1) or die $!'",
        // Netlink, which knows and changes the network.
        "perl -e 'socket(S, 16, 3, 0) or die $!'",
    ]);
    listener.set_nonblocking(true).unwrap();
    let mut connections = 0;
    while listener.accept().is_ok() {
        connections += 1;
    }
    assert_eq!(connections, 2, "those of the two controls alone");
}

#[test]
fn no_datagram_is_sent() {
    if !confines() || !has("perl") {
        return;
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let send = format!(
        "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Proto => \"udp\", \
         PeerAddr => \"127.0.0.1:{port}\")->send(\"x\") or die $!'"
    );
    all_fail(&[&send]);
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut piece = [0; 8];
    assert!(socket.recv(&mut piece).is_ok(), "the control's");
    assert!(socket.recv(&mut piece).is_err(), "more than the control's");
    if is_root() {
        // As ping does.
        all_fail(&["perl -e 'socket(S, 2, 3, 1) or die $!'"]);
    }
}

#[test]
fn no_socket_of_another_program_is_reached() {
    if !confines() || !has("perl") {
        return;
    }
    let place = Place::new();
    let path = place.workspace.join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let connect = "perl -MIO::Socket::UNIX -e \
                   'IO::Socket::UNIX->new(Peer => \"socket\") or die $!' && echo ESCAPED";
    let output = place.run(connect).output;
    assert!(!output.contains("ESCAPED"), "{output}");
    assert!(place.unconfined(connect).contains("ESCAPED"));
    // A pair of one's own leads nowhere and is what programs talk to their children by.
    let pair =
        "perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die; print \"a pair\"'";
    assert_eq!(place.run(pair).output, "a pair");
}
