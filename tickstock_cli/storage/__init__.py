"""Objects of S3 and Google Cloud Storage: found, fetched whole, written whole.

A name is ``s3://bucket/key`` or ``gs://bucket/key``. Everything else works on local files: objects are fetched to a
temporary folder before they are read, and uploaded once they are complete.
"""
