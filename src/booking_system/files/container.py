"""What files need from outside, and what they offer."""

from pathlib import Path

from dependency_injector import containers, providers

from booking_system.files.adapters.addresses import ClamdAddress, S3Address
from booking_system.files.adapters.bench import TemporaryBench
from booking_system.files.adapters.bytes_http import ByteRoutes
from booking_system.files.adapters.clamd import scanner_at
from booking_system.files.adapters.http import FileRoutes
from booking_system.files.adapters.job import FilesJob, tell_lost
from booking_system.files.adapters.keys import RandomKeys
from booking_system.files.adapters.links import FileLinks
from booking_system.files.adapters.objects import objects_at
from booking_system.files.adapters.pictures.decoding import ChildPictures
from booking_system.files.adapters.postgres import PostgresFiles
from booking_system.files.application import read_files as reading
from booking_system.files.application.begin_upload import BeginUpload, ReceiveUpload, ShowFile
from booking_system.files.application.check_upload import CheckUpload, CompleteUpload
from booking_system.files.application.ports import GrantsInForce, SeeAppointment
from booking_system.files.application.remove_file import DeleteFile, RestoreFile
from booking_system.files.application.rights import FileRights
from booking_system.files.application.sweep import DoDue, Reconcile
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class FilesContainer(containers.DeclarativeContainer):
    """Uploads, what is read of them, and what sweeps behind them."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    see_appointment: providers.Dependency[SeeAppointment] = providers.Dependency()
    grants_in_force: providers.Dependency[GrantsInForce] = providers.Dependency()
    public_url = providers.Dependency(instance_of=str)
    storage: providers.Dependency[S3Address | None] = providers.Dependency()
    folder = providers.Dependency(instance_of=Path)
    bench_folder = providers.Dependency(instance_of=Path)
    endpoint: providers.Dependency[str | None] = providers.Dependency()
    clamd: providers.Dependency[ClamdAddress | None] = providers.Dependency()
    most_bytes = providers.Dependency(instance_of=int)

    objects = providers.Singleton(objects_at, storage, folder=folder, endpoint=endpoint)
    files = providers.Singleton(PostgresFiles, database)
    transaction = files.provided.transaction
    random_keys = providers.Singleton(RandomKeys)
    links = providers.Singleton(
        FileLinks, keys=keys, public_url=public_url, objects=objects, clock=clock
    )
    rights = providers.Singleton(FileRights, see=see_appointment, reader=files)
    check = providers.Singleton(
        CheckUpload,
        bench=providers.Singleton(TemporaryBench, objects=objects, place=bench_folder),
        objects=objects,
        pictures=providers.Singleton(ChildPictures),
        scanner=providers.Singleton(scanner_at, clamd),
        keys=random_keys,
        transaction=transaction,
        address=links.provided.address,
        clock=clock,
    )
    begin = providers.Singleton(
        retried(BeginUpload),
        rights=rights,
        links=links,
        transaction=transaction,
        keys=random_keys,
        clock=clock,
        identities=identities,
        most_bytes=most_bytes,
    )
    complete = providers.Singleton(
        retried(CompleteUpload),
        rights=rights,
        reader=files,
        queue=files,
        transaction=transaction,
        check=check,
        clock=clock,
    )
    receive = providers.Singleton(ReceiveUpload, reader=files, objects=objects, clock=clock)
    reconcile = providers.Singleton(
        Reconcile,
        queue=files,
        objects=objects,
        transaction=transaction,
        clock=clock,
        tell_lost=providers.Object(tell_lost),
    )
    job = providers.Singleton(
        FilesJob,
        queue=files,
        due=providers.Singleton(
            DoDue, queue=files, objects=objects, transaction=transaction, check=check, clock=clock
        ),
        reconcile=reconcile,
        public_url=public_url,
    )
    routes = providers.Singleton(
        FileRoutes,
        begin=begin,
        show=providers.Singleton(retried(ShowFile), rights=rights, links=links, clock=clock),
        complete=complete,
        list=providers.Singleton(retried(reading.ListDocuments), see=see_appointment, reader=files),
        delete=providers.Singleton(
            retried(DeleteFile), rights=rights, transaction=transaction, clock=clock
        ),
        restore=providers.Singleton(
            retried(RestoreFile),
            rights=rights,
            transaction=transaction,
            address=links.provided.address,
            clock=clock,
        ),
        storage=providers.Singleton(retried(reading.ShowStorage), reader=files),
        links=links,
    )
    byte_routes = providers.Singleton(
        ByteRoutes,
        receive=receive,
        read=providers.Singleton(retried(reading.ReadFile), rights=rights, grants=grants_in_force),
        picture=providers.Singleton(retried(reading.ReadPicture), reader=files, objects=objects),
        links=links,
    )
