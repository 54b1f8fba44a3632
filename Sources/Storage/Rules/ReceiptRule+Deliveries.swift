package import Bulletins

extension ReceiptRule {
    /// The receipt of a delivery that failed. The publisher learns that one did, and never whose. If an operator has had
    /// the delivery tried again, its next failure has a receipt of its own.
    package static func failed(
        _ delivery: ClaimedDelivery, code: String?, wasTriedAgain: Bool, about subject: ReceiptSubject
    ) -> Receipt {
        let round = wasTriedAgain ? ".\(delivery.attempt)" : ""
        return Receipt(
            .deliveryFailed, id: "\(delivery.number).delivery-failed\(round)", about: subject,
            details(delivery.channel, attempts: Int64(delivery.attempt)) + member(code))
    }

    /// The receipt of a delivery that came back after the relay had taken it. Each time that it was delivered may have one.
    package static func bounced(
        _ delivery: Int64, by channel: Channel, attempts: Int64, code: String?, about subject: ReceiptSubject
    ) -> Receipt {
        Receipt(
            .deliveryFailed, id: "\(delivery).bounced.\(attempts)", about: subject,
            details(channel, attempts: attempts) + [("state", .string(DeliveryState.bounced.rawValue))] + member(code))
    }

    private static func details(_ channel: Channel, attempts: Int64) -> [JSONObject.Member] {
        [("channel", .string(channel.rawValue)), ("attempts", .integer(attempts))]
    }

    private static func member(_ code: String?) -> [JSONObject.Member] { code.map { [("code", .string($0))] } ?? [] }
}
