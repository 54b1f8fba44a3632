import Markup
import NIOCore

/// What is the same in all mails of a bulletin.
package struct PreparedMail: Sendable {
    let headers: ByteBuffer
    let body: MailBody
    let words: BulletinWords
    let pageURL: String
    /// The bulletins that it goes on from, oldest first: what it corrects, or the proposal that it answers.
    let thread: [Int64]

    /// Bytes of memory, about.
    var size: Int { headers.readableBytes + body.encodedCount + 512 }
}
