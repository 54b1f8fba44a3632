internal import CRabbitMQ

/// Why a request to the broker did not succeed.
struct Refusal {
    /// The broker's reply code; nil if there was no answer.
    let code: Int?
    let text: String
    /// The broker has closed only the channel.
    let closedChannel: Bool

    init(code: Int?, text: String, closedChannel: Bool) {
        self.code = code
        self.text = text
        self.closedChannel = closedChannel
    }

    /// nil if the request succeeded.
    init?(_ reply: amqp_rpc_reply_t) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return nil
        case AMQP_RESPONSE_SERVER_EXCEPTION: self.init(WireReader.method(reply.reply))
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            let text = BrokerLink.explain(reply.library_error)
            self.init(code: nil, text: text, closedChannel: false)
        default: self.init(code: nil, text: "the broker hung up", closedChannel: false)
        }
    }

    private init(_ frame: Frame) {
        switch frame {
        case .channelClosed(let code, let text):
            self.init(code: code, text: text, closedChannel: true)
        case .connectionClosed(let code, let text):
            self.init(code: code, text: text, closedChannel: false)
        default: self.init(code: nil, text: "an answer out of turn", closedChannel: false)
        }
    }

    var isNotFound: Bool { code == 404 }
    var isInequivalent: Bool { code == 406 }
    var isForbidden: Bool { code == 403 }

    var error: AMQPError {
        if let code, closedChannel { return .channelClosed(code: code, text: text) }
        return .connectionLost(reason: code.map { "the broker closed it (\($0)): \(text)" } ?? text)
    }
}
