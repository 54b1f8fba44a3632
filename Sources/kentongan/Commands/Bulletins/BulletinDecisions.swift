import Administration
import ArgumentParser
import Bulletins

extension BulletinsCommand {
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a held bulletin go out.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String

        func run() async throws {
            let bulletins = BulletinOperations(.operator, store: try await CommandContext(options).store())
            let state = try await bulletins.approve(try BulletinID(typed: id))
            Output.line("\(id) is \(state.rawValue)")
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a held bulletin; its publisher is told why.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "The reason that the publisher is told; at most 500 characters.") var why: String

        func run() async throws {
            let bulletins = BulletinOperations(.operator, store: try await CommandContext(options).store())
            try await bulletins.reject(try BulletinID(typed: id), why: why)
            Output.line("\(id) is rejected")
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraws a bulletin on behalf of its publisher.",
            discussion: "Records a further revision with the status withdrawn, as a publisher's own withdrawal.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "The reason, for everybody who got the bulletin; at most 500 characters.") var why: String

        func run() async throws {
            let bulletins = BulletinOperations(.operator, store: try await CommandContext(options).store())
            try await bulletins.withdraw(try BulletinID(typed: id), why: why)
            Output.line("\(id) is withdrawn")
        }
    }
}
