internal import NIOCore

/// A handle on a connection that any thread may hold. Every request runs on the connection's event loop.
final class HTTPConnectionHandle: Sendable {
    private let eventLoop: any EventLoop
    private let connection: NIOLoopBound<HTTPConnection>

    /// Creates the handle. Call it on the connection's event loop.
    init(_ connection: HTTPConnection, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
    }

    /// Whether the caller runs on the connection's event loop.
    var isOnCurrentLoop: Bool { eventLoop.inEventLoop }

    /// Sends a request over an idle connection.
    func start(_ exchange: HTTPExchange) {
        guard !eventLoop.inEventLoop else { return connection.value.start(exchange) }
        eventLoop.execute { self.connection.value.start(exchange) }
    }

    /// Closes the connection if it still carries this exchange.
    func abandon(_ exchange: HTTPExchange) {
        eventLoop.execute { self.connection.value.abandon(exchange) }
    }

    /// Closes an idle connection.
    func close() {
        eventLoop.execute { self.connection.value.close() }
    }
}

/// The state of a connection until it is ready for requests.
struct Opening {
    let origin: Origin
    /// The time limit for TCP and TLS together.
    let deadline: NIODeadline
    /// Completes when the connection is ready or has failed.
    let ready: EventLoopPromise<Void>
}
