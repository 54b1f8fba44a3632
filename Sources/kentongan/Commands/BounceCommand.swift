import ArgumentParser
import Bulletins
import Email
import Foundation
import Storage
import Worker

/// `bounce`: what came back of mails, from a mail server's pipe.
struct BounceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bounce", abstract: "Reads a bounce or a complaint on standard input, as a mail server's pipe.",
        discussion: """
            A delivery whose mail failed becomes bounced. With a status of 5.x.x, or a complaint, the address gets nothing \
            any more. What is no report, such as an out-of-office answer, changes nothing. Exit code 75 asks the mail \
            server to try again later.
            """)

    @OptionGroup var options: CommonOptions
    @Option(help: "The address that the bounce came to; without it, it is looked for in the message.")
    var recipient: String?

    /// EX_TEMPFAIL of sysexits.h: a mail server keeps the message.
    private static let temporary = ExitCode(75)
    /// The rest cannot say more.
    private static let maximumSize = 1 << 20

    func run() async throws {
        let context = try await CommandContext(options)
        let reader = BounceReader(Self.readInput())
        do {
            try await record(reader, context)
        } catch let error where !(error is RefusedInput || error is ExitCode) {
            // The store is not there, or busy: better tomorrow than lost.
            throw Self.later("\(error)")
        }
    }

    private func record(_ reader: BounceReader, _ context: CommandContext) async throws {
        let store = try context.store()
        let paths = BounceAddress(from: context.settings.mailFrom, key: store.bounceKey)
        guard let number = reader.delivery(paths, envelope: envelope) else {
            throw RefusedInput(
                "the message names no return path of this store; have the mail server pass what comes to \(paths.address(of: 1)) and the like"
            )
        }
        guard let (row, _) = try await store.delivery(number) else {
            throw RefusedInput("there is no delivery \(number) any more")
        }
        guard let bounce = reader.bounce(of: row.address) else {
            return print("delivery \(number): the message is no bounce and no complaint; nothing changes")
        }
        // The mail server may be faster than the record of the attempt.
        for _ in 0..<100 {
            switch try await store.record(bounce, of: number, now: WallClock.system.now) {
            case .recorded: return print("delivery \(number): \(Self.text(bounce))")
            case .unknown: throw RefusedInput("there is no delivery \(number) by email")
            case .underWay: try await Task.sleep(for: .milliseconds(100))
            }
        }
        throw Self.later("delivery \(number) is still being sent")
    }

    /// Mail servers tell in the environment to whom a message came.
    private var envelope: [String] {
        let environment = ProcessInfo.processInfo.environment
        return [recipient, environment["ORIGINAL_RECIPIENT"], environment["RECIPIENT"]].compactMap(\.self)
    }

    private static func text(_ bounce: Bounce) -> String {
        let status = bounce.status.map { " \($0)" } ?? ""
        let end = bounce.suppression == nil ? "" : "; its address gets nothing from now on"
        return "\(bounce.kind.rawValue)\(status)\(end)"
    }

    private static func later(_ reason: String) -> ExitCode {
        FileHandle.standardError.write(Data("kentongan: \(reason); try again later\n".utf8))
        return temporary
    }

    /// All is read, so that the mail server does not find its pipe broken.
    private static func readInput() -> [UInt8] {
        var bytes: [UInt8] = []
        while case let data = FileHandle.standardInput.availableData, !data.isEmpty {
            if bytes.count < maximumSize { bytes += data }
        }
        return bytes
    }
}
