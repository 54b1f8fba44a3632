import AMQP
import Bulletins
import Storage

/// Judges the messages that the broker gave up on: those of the intake queues that it moved to the rejected queue by
/// itself.
extension MessageJudge {
    /// The rejection of such a message. `opened` names its publisher.
    func giveUp(_ message: IncomingMessage, as opened: Opened) -> IncomingBulletin {
        let headers = message.properties.headers
        let reason = headers["x-first-death-reason"]?.text ?? "unknown"
        var incoming = reject(opened, Self.rejection(reason))
        // The queue in which it is judged again if an operator requeues it.
        let queue = headers["x-first-death-queue"]?.text
        incoming.queue = KentonganTopology.queues.map(\.name).first { $0 == queue } ?? KentonganTopology.givenUp
        incoming.isInRejectedQueue = true
        return incoming
    }

    private static func rejection(_ reason: String) -> Rejection {
        guard reason == "delivery_limit" else {
            let problem =
                "the broker took the message out of its queue (\(reason.prefix(100))), as a policy of its operator's makes it do; the worker never had it"
            return Rejection(BulletinError("", .deadLettered, problem))
        }
        let problem =
            "the broker gave the message up: the worker ended each time that it had it, because of this message or of another one; an operator can requeue it"
        return Rejection(BulletinError("", .deliveryLimit, problem))
    }
}
