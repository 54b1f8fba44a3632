package import DeliveryEngine
import Foundation
import NIOCore

/// Writes mails into a Maildir folder when no relay is configured. A mail is written under `tmp` and then moved to
/// `new`, so that no reader sees half of it.
package struct MaildirTransport: MailTransport {
    private let folder: URL

    package init(path: String) throws {
        folder = URL(filePath: path)
        for name in ["tmp", "new", "cur"] {
            try FileManager.default.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
        }
    }

    package func send(_ mail: OutgoingMail) async -> AttemptOutcome {
        let name = mail.id.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
        do {
            let temporary = folder.appending(path: "tmp/\(name)")
            // Mail programs expect the system's line ends in files.
            let text = Data(mail.content.readableBytesView.filter { $0 != 0x0D })
            try text.write(to: temporary)
            let final = folder.appending(path: "new/\(name)")
            if FileManager.default.fileExists(atPath: final.path) { try FileManager.default.removeItem(at: final) }
            try FileManager.default.moveItem(at: temporary, to: final)
            return AttemptOutcome(.delivered, detail: "in \(final.path)")
        } catch {
            return AttemptOutcome(
                .unavailable(pause: .seconds(5)), detail: "cannot write to the mail folder: \(error)")
        }
    }
}
