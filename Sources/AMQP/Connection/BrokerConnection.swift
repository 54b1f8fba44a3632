internal import CRabbitMQ
internal import Glibc

/// A connection to a broker with one open channel.
///
/// This type owns the C handle and lets nothing of it escape. Any call may block and librabbitmq is not thread-safe, so
/// a connection belongs to one dedicated thread. A connection that threw is broken: drop it and connect again.
struct BrokerConnection: ~Copyable {
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    let address: BrokerAddress
    let writer = WireWriter()

    private init(state: amqp_connection_state_t, address: BrokerAddress) {
        self.state = state
        self.address = address
    }

    /// Closes the socket without the AMQP closing handshake, which a broken connection could not complete anyway. A
    /// healthy one goes through `closeGracefully(within:)` first.
    deinit { amqp_destroy_connection(state) }

    /// Connects to the first address that accepts the login, and opens the channel.
    ///
    /// A host that refuses the login or the virtual host is skipped like one that does not answer: the hosts need not
    /// form one cluster, and a starting node refuses for a while what it accepts later. If every host fails, a refused
    /// login is reported in preference to a silent host, since an operator can fix it.
    static func connect(_ settings: BrokerSettings) throws(AMQPError) -> BrokerConnection {
        var (loginError, lastError) = (AMQPError?.none, AMQPError.badURL("it names no host"))
        for address in settings.addresses {
            do {
                return try open(address, settings)
            } catch {
                if case .loginRefused = error { loginError = loginError ?? error }
                lastError = error
            }
        }
        throw loginError ?? lastError
    }

    private static func open(
        _ address: BrokerAddress, _ settings: BrokerSettings
    ) throws(AMQPError) -> BrokerConnection {
        guard let state = amqp_new_connection() else {
            throw .connectFailed(address: address.description, reason: "out of memory")
        }
        let connection = BrokerConnection(state: state, address: address)
        try connection.openSocket(settings)
        try connection.login(settings)
        try connection.openChannel()
        return connection
    }

    var descriptor: Int32 { amqp_get_sockfd(state) }

    /// The heartbeat interval negotiated with the broker; nil if heartbeats are disabled.
    var heartbeat: Duration? {
        let seconds = amqp_get_heartbeat(state)
        return seconds > 0 ? .seconds(Int(seconds)) : nil
    }

    // MARK: - Frames

    /// Returns the next complete frame without blocking, or nil.
    ///
    /// Only after nil may the thread sleep in `poll`: frames also wait in the buffers of librabbitmq and OpenSSL, where
    /// `poll` does not see them.
    func nextFrame() throws(AMQPError) -> Frame? {
        var raw = amqp_frame_t()
        var now = timeval()
        let status = amqp_simple_wait_frame_noblock(state, &raw, &now)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        try check(status)
        let frame = WireReader.frame(raw)
        amqp_maybe_release_buffers_on_channel(state, raw.channel)
        return frame
    }

    // MARK: - Methods without a reply

    /// Acknowledges this delivery tag and every earlier open one.
    func acknowledge(through tag: UInt64) throws(AMQPError) {
        try check(amqp_basic_ack(state, Self.channel, tag, 1))
    }

    func reject(_ tag: UInt64, requeue: Bool) throws(AMQPError) {
        try check(amqp_basic_reject(state, Self.channel, tag, requeue ? 1 : 0))
    }

    func publish(_ message: OutgoingMessage) throws(AMQPError) {
        var properties = writer.properties(message.properties)
        let status = message.body.withUnsafeBytes { body in
            amqp_basic_publish(
                state, Self.channel, writer.text(message.exchange), writer.text(message.routingKey),
                message.mandatory ? 1 : 0, 0, &properties,
                // The C type lacks `const`; the library only reads the body.
                amqp_bytes_t(
                    len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        writer.recycle()
        try check(status)
    }

    private func check(_ status: Int32) throws(AMQPError) {
        guard status < 0 else { return }
        throw .connectionLost(reason: Self.explain(status))
    }

    // MARK: - Closing

    /// Acknowledges the broker's close of the channel or the connection, which librabbitmq leaves to its caller.
    func answerClose(ofChannel: Bool) {
        let method = ofChannel ? AMQP_CHANNEL_CLOSE_OK_METHOD : AMQP_CONNECTION_CLOSE_OK_METHOD
        var nothing: CChar = 0
        amqp_send_method(state, ofChannel ? Self.channel : 0, method, &nothing)
    }

    /// Closes the connection and waits for the broker's reply, which proves that it has received everything sent
    /// before.
    func closeGracefully(within limit: Duration) {
        var limit = timeval(limit)
        amqp_set_rpc_timeout(state, &limit)
        amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    /// Describes a status of the library. For the common faults its own texts only name the function that failed.
    static func explain(_ status: Int32) -> String {
        switch status {
        case AMQP_STATUS_SOCKET_ERROR.rawValue, AMQP_STATUS_CONNECTION_CLOSED.rawValue:
            "the connection was refused or closed by the other side"
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue: "the host name has no address"
        case AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue: "the broker missed its heartbeats"
        case AMQP_STATUS_TIMEOUT.rawValue: "no answer in time"
        default: String(cString: amqp_error_string2(status))
        }
    }
}

extension timeval {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
