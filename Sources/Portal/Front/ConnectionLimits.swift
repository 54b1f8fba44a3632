package import NIOCore

/// The limits of one connection, and of their number.
///
/// They bound what a slow or hostile peer can hold. A head that arrives byte by byte ends after `headTime`, content
/// that stalls after `bodyTime`, and a connection without requests after `idleTime`.
package struct ConnectionLimits: Sendable {
    /// The maximum number of connections that are open simultaneously.
    package var connections = 4096
    /// The largest head of a request, in bytes. A larger one is refused with 431.
    package var headBytes = 16 << 10
    /// The largest content of a request, in bytes. A larger one is refused with 413. A route may accept less.
    package var bodyBytes = 64 << 10
    /// The time from the connection, or from a request's first byte, to the end of its head.
    package var headTime = TimeAmount.seconds(10)
    /// The time from the end of the head to the end of the request.
    package var bodyTime = TimeAmount.seconds(20)
    /// The time between an answer and the next request, and the time for which a peer may leave an answer unread.
    package var idleTime = TimeAmount.seconds(60)
    /// The time that an incomplete request still gets when the server stops.
    package var stopTime = TimeAmount.seconds(1)
    /// The time that an answer still gets when the server stops.
    package var lastAnswerTime = TimeAmount.seconds(10)
    /// The time between the last answer of a connection and its end, for a peer that does not close it.
    package var lingerTime = TimeAmount.seconds(2)

    package init() {}
}
