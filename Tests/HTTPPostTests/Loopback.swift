import Testing

/// Everything that uses sockets, one test after the other, so that time limits mean something.
@Suite(.serialized, .timeLimit(.minutes(1))) enum Loopback {}
