import Addresses
import Bulletins
import Foundation
package import Storage

/// Reads mail sent to return paths: reports of failures and delays (RFC 3464 and older formats), complaints (RFC
/// 5965), and messages that are neither, such as out-of-office replies.
package struct BounceReader {
    let mail: MIMEPart
    private let all: [MIMEPart]

    /// Reads a whole message with any line ends.
    package init(_ message: [UInt8]) {
        mail = MIMEPart(Self.withLineFeeds(message))
        all = mail.all
    }

    /// Some programs end lines with a lone CR.
    private static func withLineFeeds(_ message: [UInt8]) -> [UInt8] {
        message.contains(0x0A) ? message : message.map { $0 == 0x0D ? 0x0A : $0 }
    }

    /// The delivery that the message is about. Its return path may be in the envelope, in the header or in the
    /// returned message.
    package func delivery(_ paths: BounceAddress, envelope: [String] = []) -> Int64? {
        let headers = mail.headers.map(\.value)
        return (envelope + headers).lazy.compactMap { paths.delivery(in: $0) }.first
            ?? all.lazy.filter(\.children.isEmpty).compactMap { paths.delivery(in: $0.text) }.first
    }

    /// The token in the subject of an unsubscribe mail.
    var unsubscribeToken: UnsubscribeToken? { mail["subject"].flatMap(UnsubscribeToken.init(subject:)) }

    /// The bounce of a mail to `address`. Nil if the message reports no failure, delay or complaint.
    package func bounce(of address: String) -> Bounce? {
        if let report = part("message/feedback-report") { return complaint(report) }
        if isOutlookComplaint { return Bounce(kind: .complaint, status: nil, detail: "complaint about message") }
        let plain = PlainBounce(mail: mail, all: all)
        if let report = part("message/delivery-status", "message/global-delivery-status") {
            let recipients = recipients(report.text)
            // Some reports name the recipient only in the human-readable part.
            return recipients.isEmpty ? plain.bounce(of: address) : deliveryStatus(recipients, address, plain)
        }
        // Some reports have lost the boundaries between their parts.
        let scattered = plain.isReport ? recipients(mail.text).filter { Self.names("action", $0) } : []
        return scattered.isEmpty ? plain.bounce(of: address) : deliveryStatus(scattered, address, plain)
    }

    static func names(_ field: String, _ fields: [(name: String, value: String)]) -> Bool {
        fields.contains { $0.name == field }
    }

    func part(_ types: String...) -> MIMEPart? { all.first { types.contains($0.type) } }

    // MARK: - Complaints (RFC 5965)

    /// The complaint in a feedback report (RFC 5965).
    private func complaint(_ report: MIMEPart) -> Bounce? {
        guard let type = fields(report.text).first.flatMap({ MIMEPart.value("feedback-type", $0) })?.lowercased(),
            Self.complaints.contains(type)
        else { return nil }
        return Bounce(kind: .complaint, status: nil, detail: "feedback-type \(type)")
    }

    /// The feedback types that a recipient has chosen (RFC 5965 section 7.3). The other types report authentication
    /// results (RFC 6591), or that a mail is not spam.
    private static let complaints: Set = ["abuse", "fraud", "virus", "other", "opt-out"]

    /// Outlook.com returns the mail without a feedback report.
    private var isOutlookComplaint: Bool {
        mail["subject"]?.lowercased().hasPrefix("complaint about message from") == true
            && part("message/rfc822")?.text.lowercased().contains("x-hmxmroriginalrecipient:") == true
    }
}
