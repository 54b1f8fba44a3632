package import DeliveryEngine
import Foundation
import NIOCore

/// Mails into a Maildir folder, where no relay is configured: written under `tmp`, then moved to `new`,
/// so that a reader never sees half a mail.
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
            // A mail program expects the line ends of the system in a file.
            let text = Data(mail.content.readableBytesView.filter { $0 != 0x0D })
            try text.write(to: temporary)
            let final = folder.appending(path: "new/\(name)")
            if FileManager.default.fileExists(atPath: final.path) { try FileManager.default.removeItem(at: final) }
            try FileManager.default.moveItem(at: temporary, to: final)
            return AttemptOutcome(.delivered, detail: "in \(final.path)")
        } catch {
            return AttemptOutcome(
                .unavailable(pause: .seconds(5)), detail: "the mail folder cannot be written: \(error)")
        }
    }
}
