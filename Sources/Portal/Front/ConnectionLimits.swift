package import NIOCore

/// How much of the server one connection may take, and how many connections there may be.
package struct ConnectionLimits: Sendable {
    /// Connections that are open together.
    package var connections = 4096
    /// A request's head, in bytes: more is refused with 431.
    package var headBytes = 16 << 10
    /// A request's content, in bytes: more is refused with 413. What a route takes may be less.
    package var bodyBytes = 64 << 10
    /// From the connection, or from a request's first byte, to the end of the head.
    package var headTime = TimeAmount.seconds(10)
    /// From the head's end to the request's end.
    package var bodyTime = TimeAmount.seconds(20)
    /// Between an answer and the next request, and for a peer that does not read its answer.
    package var idleTime = TimeAmount.seconds(60)
    /// What a request that has not arrived whole still gets when the server stops.
    package var stopTime = TimeAmount.seconds(1)
    /// What an answer still gets when the server stops.
    package var lastAnswerTime = TimeAmount.seconds(10)
    /// Between the last answer of a connection and its end, for a peer that does not close it.
    package var lingerTime = TimeAmount.seconds(2)

    package init() {}
}
