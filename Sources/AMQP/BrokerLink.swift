internal import CRabbitMQ
internal import Glibc

/// A connection to a broker with one channel: the C handle, and nothing of it leaves this type.
/// Every call may block, so it belongs to a thread of its own. After an error it is of no use.
struct BrokerLink: ~Copyable {
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    let address: BrokerAddress
    let writer = WireWriter()

    private init(state: amqp_connection_state_t, address: BrokerAddress) {
        self.state = state
        self.address = address
    }

    /// Closes the socket without a word, which is right after an error; `closePolitely()` before
    /// it is right after none.
    deinit { amqp_destroy_connection(state) }

    /// A connection to the first address that takes one, with its channel open.
    ///
    /// A host that refuses the login or the virtual host is passed over like one that does not answer: the hosts need not
    /// be nodes of one cluster, and a node that starts refuses for a while what it will take later. If no host takes the
    /// connection, a refusal is reported before a silence, since an operator can mend it.
    static func connect(_ settings: BrokerSettings) throws(AMQPError) -> BrokerLink {
        var (refusal, last) = (AMQPError?.none, AMQPError.badURL("it names no host"))
        for address in settings.addresses {
            do {
                return try open(address, settings)
            } catch {
                if case .loginRefused = error { refusal = refusal ?? error }
                last = error
            }
        }
        throw refusal ?? last
    }

    private static func open(
        _ address: BrokerAddress, _ settings: BrokerSettings
    ) throws(AMQPError) -> BrokerLink {
        guard let state = amqp_new_connection() else {
            throw .connectFailed(address: address.description, reason: "out of memory")
        }
        let link = BrokerLink(state: state, address: address)
        try link.openSocket(settings)
        try link.login(settings)
        try link.openChannel()
        return link
    }

    var descriptor: Int32 { amqp_get_sockfd(state) }

    /// As agreed with the broker; nil if there is none.
    var heartbeat: Duration? {
        let seconds = amqp_get_heartbeat(state)
        return seconds > 0 ? .seconds(Int(seconds)) : nil
    }

    // MARK: - Frames

    /// The next frame that has arrived whole, or nil: only then is it right to sleep in `poll`,
    /// since frames also hide in the buffers of the library and of OpenSSL.
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

    // MARK: - Methods that have no answer

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
                // The library only reads it.
                amqp_bytes_t(
                    len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        writer.recycle()
        try check(status)
    }

    /// Answers a close of the broker's, which the library never does.
    func answerClose(ofChannel: Bool) {
        let method = ofChannel ? AMQP_CHANNEL_CLOSE_OK_METHOD : AMQP_CONNECTION_CLOSE_OK_METHOD
        var nothing: CChar = 0
        amqp_send_method(state, ofChannel ? Self.channel : 0, method, &nothing)
    }

    /// Says goodbye and waits for the answer, so that all that was sent before has been taken.
    func closePolitely(within limit: Duration) {
        var limit = timeval(limit)
        amqp_set_rpc_timeout(state, &limit)
        amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    private func check(_ status: Int32) throws(AMQPError) {
        guard status < 0 else { return }
        throw .connectionLost(reason: Self.explain(status))
    }

    /// The library's own words say of the usual faults only where in its code they came up.
    static func explain(_ status: Int32) -> String {
        switch status {
        case AMQP_STATUS_SOCKET_ERROR.rawValue, AMQP_STATUS_CONNECTION_CLOSED.rawValue:
            "the other side refused or broke off the connection"
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue: "the host's name has no address"
        case AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue: "the broker sent no heartbeat in time"
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
