import ArgumentParser
import Logging
import Runtime
import Storage
import Worker

/// `serve`: runs the worker.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the worker until SIGTERM, which drains and stops it.")

    @OptionGroup var options: CommonOptions
    @Option(help: "The roles of this worker, separated by commas.")
    var roles = Role.allCases.map(\.rawValue).joined(separator: ",")

    func validate() throws { _ = try parsedRoles() }

    private func parsedRoles() throws -> Set<Role> {
        let names = roles.split(separator: ",").map(String.init)
        let parsed = names.compactMap { Role(rawValue: $0) }
        guard !names.isEmpty, parsed.count == names.count else {
            let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--roles takes these words, by commas: \(known)")
        }
        return Set(parsed)
    }

    func run() async throws {
        let context = try await CommandContext(options)
        let roles = try parsedRoles()
        let registries = try context.registries()
        if roles.contains(.intake) { _ = try context.settings.broker.required() }
        let stages = StageContext(logger: context.logger)
        context.logger.info("configuration: \(options.sentence)")
        if let warning = options.config.flatMap(SettingsFile.exposure) { context.logger.warning("\(warning)") }
        let worker = Worker(
            settings: context.settings, registries: registries, store: try context.store(for: stages),
            context: stages)
        try await worker.run(roles: roles)
    }
}
