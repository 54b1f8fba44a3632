internal import CRabbitMQ

/// The reason why a request to the broker failed: an error reply, or no reply at all.
struct RequestFailure {
    /// The broker's reply code (AMQP 0-9-1, section 1.2); nil if it did not reply.
    let code: Int?
    let text: String
    /// The broker closed only the channel, and the connection is still usable.
    let closedChannel: Bool

    private init(code: Int?, text: String, closedChannel: Bool) {
        self.code = code
        self.text = text
        self.closedChannel = closedChannel
    }

    /// Returns nil for the reply of a successful request.
    init?(_ reply: amqp_rpc_reply_t) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return nil
        case AMQP_RESPONSE_SERVER_EXCEPTION: self.init(WireReader.method(reply.reply))
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            let text = BrokerConnection.explain(reply.library_error)
            self.init(code: nil, text: text, closedChannel: false)
        default: self.init(code: nil, text: "the broker closed the socket", closedChannel: false)
        }
    }

    private init(_ frame: Frame) {
        switch frame {
        case .channelClosed(let code, let text):
            self.init(code: code, text: text, closedChannel: true)
        case .connectionClosed(let code, let text):
            self.init(code: code, text: text, closedChannel: false)
        default: self.init(code: nil, text: "an unexpected reply", closedChannel: false)
        }
    }

    /// NOT_FOUND: the queue or exchange does not exist.
    var isNotFound: Bool { code == 404 }
    /// PRECONDITION_FAILED: the queue or exchange exists with other settings.
    var isInequivalent: Bool { code == 406 }

    var error: AMQPError {
        if let code, closedChannel { return .channelClosed(code: code, text: text) }
        return .connectionLost(reason: code.map { "the broker closed it (\($0)): \(text)" } ?? text)
    }
}

extension BrokerConnection {
    /// Returns the reason why the last request failed; nil if it succeeded.
    func takeFailure() -> RequestFailure? {
        writer.recycle()
        return RequestFailure(amqp_get_rpc_reply(state))
    }
}
