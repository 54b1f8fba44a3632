import ArgumentParser
import Bulletins
import Runtime
import Storage

/// `subscribers`: who receives.
struct SubscribersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribers", abstract: "Looks after who receives.", subcommands: [Erase.self])

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends all subscriptions of an address, and forgets it but for a keyed hash.",
            discussion: "An address that is suppressed stays so.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address, a webhook's URL or a feed's name.") var address: String

        func run() async throws {
            let store = try await CommandContext(options).store()
            let erased = try await store.erase(address, now: WallClock.system.now)
            guard erased > 0 else {
                throw RefusedInput("\(address) is not known; list addresses with: kentongan subscriptions list")
            }
            guard try await store.finishErasures(patience: .seconds(5)) else {
                Output.line(
                    "nothing is sent to \(address); the store's log has traces of it while a program reads an old state; the worker goes on until they are gone"
                )
                return
            }
            Output.line("\(address) is forgotten; nothing is sent to it")
        }
    }
}
