import Administration
import ArgumentParser
import Email
import Foundation
import Runtime
import Worker

/// `bounce`: a mail that came back, from a mail server's pipe.
struct BounceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bounce",
        abstract: "Reads a bounce, a complaint or a mail that unsubscribes on standard input, as a mail server's pipe.",
        discussion: """
            A delivery whose mail failed becomes bounced. If the mailbox does not exist, or after a complaint, its address \
            gets nothing any more; a full mailbox and the like count only after several days. A mail that is no report, \
            for example an out-of-office answer, changes nothing. Exit code 75 asks the mail server to try again later.
            """)

    @OptionGroup var options: CommonOptions
    @Option(help: "The address that the bounce came to; without it, it is looked for in the message.")
    var recipient: String?

    /// EX_TEMPFAIL of sysexits.h, on which a mail server keeps the message and tries again.
    private static let temporary = ExitCode(75)

    func run() async throws {
        let context = try await CommandContext(options)
        let message = Self.readInput()
        do {
            let intake = BounceIntake(
                store: try context.store(), mailboxes: context.settings.email.intakeMailboxes, clock: WallClock.system)
            let outcome = try await intake.take(message, to: envelope)
            switch outcome {
            case .recorded, .noReport, .unsubscribed: Output.line("\(outcome)")
            case .unsigned:
                throw OperationError.invalid(
                    "\(outcome); have the mail server pass what comes to \(intake.example) and the like")
            case .gone: throw OperationError.invalid("\(outcome)")
            case .underWay: throw Self.later("\(outcome)")
            }
        } catch let error where !(error is OperationError || error is ExitCode) {
            // The store is missing or busy, and a report that comes tomorrow is better than one that is lost.
            throw Self.later("\(error)")
        }
    }

    /// The addresses that the message came to, as the option or a mail server's environment names them.
    private var envelope: [String] {
        let environment = ProcessInfo.processInfo.environment
        return [recipient, environment["ORIGINAL_RECIPIENT"], environment["RECIPIENT"]].compactMap(\.self)
    }

    private static func later(_ reason: String) -> ExitCode {
        FileHandle.standardError.write(Data("kentongan: \(reason); try again later\n".utf8))
        return temporary
    }

    /// Reads to the end, so that the mail server does not find its pipe broken, and keeps as much as intake takes.
    private static func readInput() -> [UInt8] {
        var bytes: [UInt8] = []
        while case let data = FileHandle.standardInput.availableData, !data.isEmpty {
            if bytes.count < BounceIntake.maximumSize { bytes += data }
        }
        return bytes
    }
}
